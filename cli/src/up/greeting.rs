//! What is printed when calls can be answered.

use secrecy::ExposeSecret as _;

use super::plan::Plan;
use super::processes::Campaigns;
use crate::arguments::DATA_DIR;
use crate::platform::Platform;
use crate::terminal::{Style, Terminal, plain};

/// What the demo bots understand well, to begin with.
const TO_SAY: [(&str, &str); 3] = [
    ("appointment-reminder", "--say \"yes I can\" --say \"no thank you\""),
    ("faq", "--say \"what are your hours\" --say \"no thank you\""),
    ("survey", "--say yes --say five --say four --say yes"),
];

/// Where everything is, and what to try.
pub fn print(platform: &Platform, plan: &Plan<'_>, is_first: bool) {
    let terminal = plan.terminal;
    terminal.line("");
    let is_rehearsal = matches!(plan.campaigns, Campaigns::Simulated { .. });
    let what = if is_rehearsal {
        "Vox is up with a simulated carrier: campaigns can be rehearsed, and nobody is called."
    } else {
        "Vox is up: calls can be answered."
    };
    terminal.line(&terminal.styled(Style::Good, what));
    terminal.line("");
    addresses(platform, plan);
    if let Some(password) = platform.admin_password.as_ref().filter(|_| is_first) {
        let login = format!("{}  password {}", platform.admin_email, password.expose_secret());
        row(terminal, "login", &login);
        row(terminal, "", "(shown this once; change it after the first login)");
    } else {
        row(terminal, "login", &platform.admin_email);
    }
    terminal.line("");
    if is_rehearsal {
        terminal.line("Run a campaign, in another terminal, with a file of people (docs/campaigns.md):");
        terminal.line(&format!("  {}", campaign_line(platform, plan)));
    } else {
        terminal.line("Talk to a bot, in another terminal:");
        for bot in &platform.bots {
            terminal.line(&format!("  {}", call_line(&bot.id, plan)));
        }
    }
    terminal.line("");
    terminal.line("Ctrl-C stops after the running calls; a second Ctrl-C stops at once.");
}

fn addresses(platform: &Platform, plan: &Plan<'_>) {
    let terminal = plan.terminal;
    row(terminal, "API", &format!("{0}  (all of it as a page: {0}/docs)", platform.bridge_url));
    row(
        terminal,
        "calls",
        &format!(
            "{}  (/ws/BOT, /exotel/BOT, /twilio/BOT, /plivo/BOT, /telnyx/BOT, /vonage/BOT, /talk/BOT)",
            platform.calls_url
        ),
    );
    row(terminal, "workers", &format!("{}, one call each", plan.arguments.workers));
    row(terminal, "data", &format!("{}  (logs in logs/)", plan.home.root().display()));
    let bots: Vec<String> =
        platform.bots.iter().map(|bot| format!("{} ({})", bot.id, plain(&bot.name))).collect();
    row(terminal, "bots", &bots.join(", "));
}

fn row(terminal: &Terminal, name: &str, text: &str) {
    terminal.line(&format!("  {} {text}", terminal.styled(Style::Faint, &format!("{name:<8}"))));
}

fn program() -> String {
    std::env::args().next().unwrap_or_else(|| "vox".to_owned())
}

/// Nothing where it is the usual one.
fn data_dir(plan: &Plan<'_>) -> String {
    let data_dir = &plan.arguments.data_dir;
    if data_dir.as_os_str() == DATA_DIR {
        String::new()
    } else {
        format!(" --data-dir {}", data_dir.display())
    }
}

fn campaign_line(platform: &Platform, plan: &Plan<'_>) -> String {
    let bot = platform.bots.first().map_or("BOT", |bot| bot.id.as_str());
    let data_dir = data_dir(plan);
    format!("{} campaign run people.csv --bot {bot}{data_dir} --report attempts.csv", program())
}

fn call_line(bot: &str, plan: &Plan<'_>) -> String {
    let (program, data_dir) = (program(), data_dir(plan));
    let say = TO_SAY.iter().find(|(id, _)| *id == bot).map_or("--say hello", |(_, say)| say);
    format!("{program} call {bot}{data_dir} {say}")
}
