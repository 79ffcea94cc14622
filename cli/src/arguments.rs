//! What can be typed.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use secrecy::SecretString;
use url::Url;
use vox_caller::Protocol;

/// Vox: AI phone calls on your own machines.
#[derive(Debug, Parser)]
#[command(name = "vox", version, about)]
pub struct Arguments {
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the whole platform on this machine.
    Up(UpArguments),
    /// Talk to a bot from the terminal.
    Call(Box<CallArguments>),
    /// Check this machine and the platform, and say how to mend what is wrong.
    Doctor(DoctorArguments),
    /// Add hosts when the fleet is nearly full, and take them away when it is nearly empty.
    Scale(ScaleArguments),
    /// Call the people of a file with a bot, and say what became of each.
    Campaign(Box<CampaignArguments>),
}

/// Where state is kept unless told otherwise.
pub const DATA_DIR: &str = "vox-data";
/// Calls come in here unless told otherwise.
pub const CALLS_PORT: u16 = 8090;
/// The bridge's API is here unless told otherwise.
pub const BRIDGE_PORT: u16 = 8080;

/// `vox up`
#[derive(Clone, Debug, Args)]
pub struct UpArguments {
    /// Where all state is kept; made at the first start.
    #[arg(long, value_name = "DIR", default_value = DATA_DIR)]
    pub data_dir: PathBuf,
    /// Port of the call sockets; 0 takes a free one.
    #[arg(long, value_name = "N", default_value_t = CALLS_PORT)]
    pub port: u16,
    /// Port of the bridge's API; 0 takes a free one.
    #[arg(long, value_name = "N", default_value_t = BRIDGE_PORT)]
    pub bridge_port: u16,
    /// Calls that can be held at once: one worker process each.
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub workers: u16,
    /// Write this file, one JSON object, when calls can be answered.
    #[arg(long, value_name = "FILE")]
    pub ready_file: Option<PathBuf>,
    /// Where scripts/fetch-models.sh put the models [default: models, here or beside the programs].
    #[arg(long, value_name = "DIR", env = "VOX_MODELS_DIR")]
    pub models_dir: Option<PathBuf>,
    /// Rehearse campaigns: a simulated carrier with scripted workers instead of real ones. Nobody is called, and no call is answered.
    #[arg(long)]
    pub simulated_carrier: bool,
    /// By how much the simulated telephones are faster than life.
    #[arg(long, value_name = "FACTOR", default_value_t = 1.0, requires = "simulated_carrier")]
    pub speed: f64,
}

/// `vox call`
#[derive(Clone, Debug, Args)]
pub struct CallArguments {
    /// The bot, by id or name.
    #[arg(value_name = "BOT")]
    pub bot: String,
    /// Play a recording as the caller, in real time from the answer on (16-bit PCM WAV).
    #[arg(long, value_name = "FILE", group = "speech")]
    pub wav: Option<PathBuf>,
    /// Say a line with the local voice when the bot has finished speaking; repeat for more lines.
    #[arg(long, value_name = "TEXT", group = "speech")]
    pub say: Vec<String>,
    /// Talk with this machine's microphone and loudspeaker.
    #[arg(long, group = "speech")]
    pub mic: bool,
    /// Protocol: talk, ws, exotel, twilio, plivo, telnyx or vonage, with a rate behind a colon (exotel:16000, vonage:8000).
    #[arg(long, value_name = "PROTOCOL", default_value = "talk")]
    pub via: Protocol,
    /// Keep recording.wav (both sides, from the bridge), result.json and heard.wav (as this caller heard it) in DIR.
    #[arg(long, value_name = "DIR")]
    pub save: Option<PathBuf>,
    /// End with one JSON object on standard output; everything else goes to standard error.
    #[arg(long)]
    pub json: bool,
    /// The bridge of another deployment [default: the platform running on --data-dir].
    #[arg(long, value_name = "URL", requires = "secret")]
    pub url: Option<Url>,
    /// Where that deployment's calls come in, if not at the same address.
    #[arg(long, value_name = "URL", requires = "url")]
    pub calls_url: Option<Url>,
    /// That deployment's secret for tools.
    #[arg(long, value_name = "SECRET", env = "VOX_TOOLS_SECRET", hide_env_values = true)]
    pub secret: Option<SecretString>,
    /// Where the running platform keeps its state.
    #[arg(long, value_name = "DIR", default_value = DATA_DIR, conflicts_with = "url")]
    pub data_dir: PathBuf,
    /// Voice of --say and of typed lines.
    #[arg(long, value_enum, default_value_t = Voice::Slt)]
    pub voice: Voice,
    /// Hang up after so many seconds.
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = seconds)]
    pub timeout: Duration,
}

/// The local voices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Voice {
    /// A man, plain and clear.
    Kal,
    /// A woman, more natural.
    Slt,
}

/// `vox doctor`
#[derive(Clone, Debug, Args)]
pub struct DoctorArguments {
    /// Where the platform keeps, or shall keep, its state.
    #[arg(long, value_name = "DIR", default_value = DATA_DIR)]
    pub data_dir: PathBuf,
    /// Port that the call sockets shall have.
    #[arg(long, value_name = "N", default_value_t = CALLS_PORT)]
    pub port: u16,
    /// Port that the bridge's API shall have.
    #[arg(long, value_name = "N", default_value_t = BRIDGE_PORT)]
    pub bridge_port: u16,
    /// Where the models are [default: models, here or beside the programs].
    #[arg(long, value_name = "DIR", env = "VOX_MODELS_DIR")]
    pub models_dir: Option<PathBuf>,
    /// Print one JSON object instead of lines.
    #[arg(long)]
    pub json: bool,
}

/// `vox scale`
#[derive(Clone, Debug, Args)]
pub struct ScaleArguments {
    /// The bridge. VOX_API_KEY or VOX_API_KEY_FILE has a key with the scope fleet:read.
    #[arg(long, value_name = "URL")]
    pub url: Url,
    /// What brings a host, for `sh`.
    #[arg(long, value_name = "COMMAND", required_unless_present = "once")]
    pub add: Option<String>,
    /// What takes the host VOX_SCALE_HOST away once its calls are over, for `sh`.
    #[arg(long, value_name = "COMMAND", required_unless_present = "once")]
    pub remove: Option<String>,
    /// A host is added above this share of used slots, percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 80, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub above: u8,
    /// One is taken away below this share.
    #[arg(long, value_name = "PERCENT", default_value_t = 40, value_parser = clap::value_parser!(u8).range(0..=99))]
    pub below: u8,
    /// Hosts that stay whatever the load.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub min: u16,
    /// Hosts that there are at most.
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub max: u16,
    /// A host that is never taken away; repeat for more.
    #[arg(long, value_name = "HOST")]
    pub keep: Vec<String>,
    /// How long the share must be beyond a bound before anything is done, seconds.
    #[arg(long, value_name = "SECONDS", default_value = "60", value_parser = pause)]
    pub holds: Duration,
    /// Nothing is added or taken away for so long after a host was added.
    #[arg(long, value_name = "SECONDS", default_value = "300", value_parser = pause)]
    pub after_add: Duration,
    /// Nothing is taken away for so long after one was taken away.
    #[arg(long, value_name = "SECONDS", default_value = "900", value_parser = pause)]
    pub after_remove: Duration,
    /// Between two looks.
    #[arg(long, value_name = "SECONDS", default_value = "10", value_parser = seconds)]
    pub every: Duration,
    /// A command that takes longer is killed.
    #[arg(long, value_name = "SECONDS", default_value = "7200", value_parser = pause)]
    pub command_timeout: Duration,
    /// Show the load and end.
    #[arg(long)]
    pub once: bool,
}

/// `vox campaign`
#[derive(Clone, Debug, Args)]
pub struct CampaignArguments {
    #[command(subcommand)]
    pub command: CampaignCommand,
}

#[derive(Clone, Debug, Subcommand)]
pub enum CampaignCommand {
    /// Make a campaign of a file, start it, show how it goes, and write what became of each call.
    Run(Box<RunArguments>),
    /// Show how a campaign goes until it ends.
    Follow(CampaignName),
    /// Show how a campaign stands, and what limits it now.
    Status(CampaignName),
    /// Write what became of each call into a file.
    Report(ReportArguments),
    /// Dial nobody until it is resumed; calls that run go on.
    Pause(CampaignName),
    /// Go on after a pause.
    Resume(CampaignName),
    /// End it; calls that run go on.
    Stop(CampaignName),
}

/// Which bridge.
#[derive(Clone, Debug, Args)]
pub struct BridgeArguments {
    /// The bridge [default: the platform running on --data-dir]. VOX_API_KEY or VOX_API_KEY_FILE has a key with the scopes
    /// campaigns:read and campaigns:write.
    #[arg(long, value_name = "URL")]
    pub bridge: Option<Url>,
    /// Where the running platform keeps its state.
    #[arg(long, value_name = "DIR", default_value = DATA_DIR, conflicts_with = "bridge")]
    pub data_dir: PathBuf,
}

/// `vox campaign run`
#[derive(Clone, Debug, Args)]
pub struct RunArguments {
    /// People: a spreadsheet saved as CSV, with a header (docs/campaigns.md).
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The id of the bot that calls.
    #[arg(long, value_name = "BOT")]
    pub bot: String,
    /// The campaign's name [default: the file's].
    #[arg(long)]
    pub name: Option<String>,
    /// Settings of the campaign, a JSON object (docs/campaigns.md).
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// The country of numbers without a country code: two letters.
    #[arg(long, value_name = "COUNTRY")]
    pub region: Option<String>,
    /// Call with this number; repeat for more [default: all numbers of the tenant's carriers].
    #[arg(long, value_name = "NUMBER")]
    pub from: Vec<String>,
    /// Write the rows that were not taken here, with why.
    #[arg(long, value_name = "FILE")]
    pub errors: Option<PathBuf>,
    /// Write what became of each call here, as CSV, when the campaign is over.
    #[arg(long, value_name = "FILE", conflicts_with = "detach")]
    pub report: Option<PathBuf>,
    /// Start it, and do not wait for its end.
    #[arg(long)]
    pub detach: bool,
    #[command(flatten)]
    pub bridge: BridgeArguments,
}

/// A campaign of a bridge.
#[derive(Clone, Debug, Args)]
pub struct CampaignName {
    /// Its id, `cmp_…`.
    #[arg(value_name = "CAMPAIGN")]
    pub campaign: String,
    #[command(flatten)]
    pub bridge: BridgeArguments,
}

/// `vox campaign report`
#[derive(Clone, Debug, Args)]
pub struct ReportArguments {
    #[command(flatten)]
    pub name: CampaignName,
    /// Where to.
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

fn pause(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(count @ 0..=86_400) => Ok(Duration::from_secs(count.into())),
        _ => Err("a whole number of seconds, 0 to 86400".to_owned()),
    }
}

fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse::<u32>() {
        Ok(count @ 1..=3600) => Ok(Duration::from_secs(count.into())),
        _ => Err("a whole number of seconds, 1 to 3600".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, String> {
        Arguments::try_parse_from(line.split_whitespace()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_definition_is_sound() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn what_contradicts_is_refused_with_the_reason() {
        for (line, reason) in [
            ("vox call faq --say hi --mic", "cannot be used with"),
            ("vox call faq --via sip", "use talk, ws, exotel"),
            ("vox call faq --url http://h", "--secret"),
            ("vox call faq --timeout 0", "1 to 3600"),
            ("vox up --workers 0", "1..=256"),
            ("vox call", "<BOT>"),
            ("vox up --port 70000", "0..=65535"),
            ("vox scale --url http://h --add true", "--remove"),
            ("vox scale --url http://h --add a --remove b --above 101", "1..=100"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.contains(reason), "{line}: {error}");
        }
    }

    #[test]
    fn lines_are_kept_in_order() {
        let arguments =
            Arguments::try_parse_from(["vox", "call", "faq", "--say", "one", "--say", "two"]).unwrap();
        let Command::Call(call) = arguments.command else { panic!("not a call") };
        assert_eq!(call.say, ["one", "two"]);
    }
}
