//! What a campaign says about its calls in the place of the bot: answering machines.

use vox_shared::ids::TenantId;
use vox_shared::model::bot::{Answering, BotSettings};

use crate::campaign::settings::{Machines, OnVoicemail};
use crate::store::{StoreError, Stores};

/// Where the campaign is one of ours; diallers of others name theirs too.
pub(super) async fn apply(
    stores: &Stores,
    (tenant, campaign): (&TenantId, Option<&String>),
    (settings, may_leave): (&mut BotSettings, bool),
) -> Result<(), StoreError> {
    let Some(id) = campaign.and_then(|id| id.parse().ok()) else { return Ok(()) };
    if let Some(campaign) = stores.campaigns(tenant).find_campaign(&id).await? {
        machines(&campaign.value.settings.machines, settings);
        if !may_leave {
            settings.voicemail_message.clear();
        }
    }
    Ok(())
}

fn machines(machines: &Machines, settings: &mut BotSettings) {
    let bots = std::mem::take(&mut settings.answering);
    settings.answering = Answering { detect: machines.detect, detector: machines.detector.clone(), ..bots };
    settings.voicemail_message = match machines.on_voicemail {
        OnVoicemail::HangUp => String::new(),
        OnVoicemail::LeaveMessage => machines.message.clone(),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_says_what_machines_are_left_and_the_bot_how_it_introduces_itself() {
        let mut settings = BotSettings { voicemail_message: "The bot's.".into(), ..BotSettings::default() };
        settings.answering.introduction = "Asha, an assistant.".into();
        machines(&Machines::default(), &mut settings);
        assert!(settings.answering.detect && settings.voicemail_message.is_empty());
        assert_eq!(settings.answering.introduction, "Asha, an assistant.");
        let leaves = Machines {
            on_voicemail: OnVoicemail::LeaveMessage,
            message: "The campaign's.".into(),
            detect: false,
            ..Machines::default()
        };
        machines(&leaves, &mut settings);
        assert_eq!(
            (settings.answering.detect, settings.voicemail_message.as_str()),
            (false, "The campaign's.")
        );
    }
}
