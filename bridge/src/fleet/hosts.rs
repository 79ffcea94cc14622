//! Which machines are polled, and which drain.

use super::address::{NAME_RULE, RULE, is_bare, is_name};
use super::reserve::Fleet;
use crate::fields::FieldError;
use crate::store::hosts::Host;
use crate::store::{Stamp, StoreError};

/// Most hosts that are polled.
pub const MAX_POLLED: usize = 200;

/// Tries to take a host away while what it says is noted.
const MAX_TRIES: usize = 5;

/// A host to be polled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHost {
    pub name: String,
    pub url: String,
}

/// Why a host is not added.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    #[error("there are {MAX_POLLED} polled hosts, which is the most")]
    TooMany,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl NewHost {
    /// What is wrong with it.
    pub fn faults(&self) -> Vec<FieldError> {
        let mut faults = Vec::new();
        if !is_name(&self.name) {
            faults.push(FieldError::new("name", NAME_RULE));
        }
        if !is_bare(&self.url) {
            faults.push(FieldError::new("url", RULE));
        }
        faults
    }

    /// `NAME=URL`, or a URL alone, whose host and port are the name then.
    pub fn parse(text: &str) -> Option<Self> {
        let new = match text.split_once('=') {
            Some((name, url)) => Self { name: name.trim().to_owned(), url: url.trim().to_owned() },
            None => {
                let (_, place) = text.split_once("://")?;
                Self { name: place.trim_end_matches('/').replace(':', "-"), url: text.to_owned() }
            }
        };
        new.faults().is_empty().then_some(new)
    }
}

impl Fleet {
    /// Poll this host from now on. Adding it again changes its address.
    pub async fn add_host(&self, new: &NewHost) -> Result<(), HostError> {
        let (hosts, now) = (self.stores.hosts(), Stamp(self.clock.now()));
        let polled = hosts.list_hosts().await?;
        let others = polled.iter().filter(|h| h.value.url.is_some() && h.value.name != new.name).count();
        if others >= MAX_POLLED {
            return Err(HostError::TooMany);
        }
        let host = Host {
            name: new.name.clone(),
            draining: false,
            added_at: now,
            url: Some(new.url.clone()),
            next_poll_at: Some(now),
            polled: None,
            holds: Vec::new(),
        };
        match hosts.insert_host(&host).await {
            Err(StoreError::Duplicate) => {}
            done => return Ok(done?),
        }
        let moved = |host: &mut Host| {
            if host.url.as_deref() != Some(&new.url) {
                (host.url, host.polled) = (Some(new.url.clone()), None);
                host.next_poll_at = Some(now);
            }
        };
        Ok(hosts.change(&new.name, moved).await?)
    }

    /// Poll exactly these from now on. Of two who say so at once some hosts of both may stay.
    pub async fn set_hosts(&self, wanted: &[NewHost]) -> Result<(), HostError> {
        let known = self.stores.hosts().list_hosts().await?;
        let polled = known.iter().filter(|host| host.value.url.is_some());
        for host in polled.filter(|host| wanted.iter().all(|new| new.name != host.value.name)) {
            self.remove_surely(&host.value.name).await?;
        }
        for new in wanted {
            self.add_host(new).await?;
        }
        Ok(())
    }

    async fn remove_surely(&self, name: &str) -> Result<(), StoreError> {
        for _ in 0..MAX_TRIES {
            match self.remove_host(name).await {
                // What it said was noted meanwhile.
                Err(StoreError::Conflict) => {}
                // Somebody else took it away.
                Err(StoreError::NotFound) => return Ok(()),
                removed => return removed,
            }
        }
        Err(StoreError::Conflict)
    }

    /// Poll it no more. [`StoreError::NotFound`] when it is not polled.
    pub async fn remove_host(&self, name: &str) -> Result<(), StoreError> {
        let host = self.stores.hosts().find_host(name).await?.filter(|host| host.value.url.is_some());
        self.stores.hosts().delete_host(&host.ok_or(StoreError::NotFound)?).await
    }

    /// Give a host no new calls; its running ones go on. [`StoreError::NotFound`] when nothing of that name is known.
    pub async fn drain(&self, name: &str) -> Result<(), StoreError> {
        match self.stores.hosts().change(name, |host| host.draining = true).await {
            Err(StoreError::NotFound) => {}
            done => return done,
        }
        let now = Stamp(self.clock.now());
        let live = self.stores.workers().list_live(now).await?;
        if !live.iter().any(|worker| worker.report.host == name) {
            return Err(StoreError::NotFound);
        }
        let host = Host {
            name: name.to_owned(),
            draining: true,
            added_at: now,
            url: None,
            next_poll_at: None,
            polled: None,
            holds: Vec::new(),
        };
        match self.stores.hosts().insert_host(&host).await {
            // Somebody else did it.
            Err(StoreError::Duplicate) => self.stores.hosts().change(name, |host| host.draining = true).await,
            done => done,
        }
    }

    /// Give a host calls again. [`StoreError::NotFound`] when nothing of that name is known.
    pub async fn undrain(&self, name: &str) -> Result<(), StoreError> {
        let Some(host) = self.stores.hosts().find_host(name).await? else {
            let live = self.stores.workers().list_live(Stamp(self.clock.now())).await?;
            let known = live.iter().any(|worker| worker.report.host == name);
            return known.then_some(()).ok_or(StoreError::NotFound);
        };
        match host.value.url {
            Some(_) => self.stores.hosts().change(name, |host| host.draining = false).await,
            None => self.stores.hosts().delete_host(&host).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_of_the_settings_has_a_name_or_is_named_by_its_address() {
        let parsed = |text: &str| NewHost::parse(text).map(|new| (new.name, new.url));
        let pair = |name: &str, url: &str| Some((name.to_owned(), url.to_owned()));
        assert_eq!(parsed("voice-1=http://10.0.0.5:8080"), pair("voice-1", "http://10.0.0.5:8080"));
        assert_eq!(parsed("http://10.0.0.5:8080"), pair("10.0.0.5-8080", "http://10.0.0.5:8080"));
        for bad in
            ["", "voice-1", "=http://h:1", "a b=http://h:1", "v=ftp://h", "http://u:p@h:1", "http://h:1/x"]
        {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
