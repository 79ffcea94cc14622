//! The first start on an empty store: a tenant, an administrator with a random password, three bots to talk to. The
//! password is on the disk before the user exists, and the tenant that marks the work as done comes last, so a start that
//! was killed half-way is simply repeated.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use vox_shared::clock::Clock;
use vox_shared::ids::{TenantId, UserId};
use vox_shared::model::bot::BotSettings;
use vox_shared::private;

use crate::auth::password::{PasswordError, Passwords};
use crate::auth::role::Role;
use crate::auth::secret_token;
use crate::store::bots::Bot;
use crate::store::tenants::Tenant;
use crate::store::users::{User, fold_email};
use crate::store::{Stamp, StoreError, Stores};

/// The first administrator.
pub const ADMIN_EMAIL: &str = "admin@vox.local";
pub const ADMIN_ID: &str = "usr_first_admin";
const TENANT_ID: &str = "default";
/// The first password, below the data directory, until it is changed.
const LOGIN_FILE: &str = "first-login.json";

/// The bots that the first start makes, by id.
pub const DEMO_BOTS: [(&str, &str); 3] = [
    ("appointment-reminder", include_str!("demo/appointment-reminder.json")),
    ("faq", include_str!("demo/faq.json")),
    ("survey", include_str!("demo/survey.json")),
];

/// Why the first start failed.
#[derive(Debug, thiserror::Error)]
pub enum FirstStartError {
    #[error("the first tenant, user and bots could not be stored")]
    Store(#[from] StoreError),
    #[error("the first password could not be hashed")]
    Password(#[from] PasswordError),
    #[error("the demo bot '{id}' is not valid")]
    DemoBot {
        id: &'static str,
        #[source]
        source: serde_json::Error,
    },
    #[error("cannot keep the first login in '{path}'")]
    LoginFile {
        path: String,
        #[source]
        source: std::io::Error,
    },
}

#[derive(Serialize, Deserialize)]
struct FirstLogin {
    email: String,
    password: String,
}

/// What a first start fills, and what it needs for that.
pub struct Empty<'a> {
    pub stores: &'a Stores,
    pub clock: &'a Clock,
    pub passwords: &'a Passwords,
    /// Where the first password is written down.
    pub data_dir: &'a Path,
}

/// Fill an empty store. Of bridges that start together over one store, one does. Answers the administrator's password when this start made it, `None` on every later one.
pub async fn first_start(into: Empty<'_>) -> Result<Option<SecretString>, FirstStartError> {
    let tenant: TenantId = TENANT_ID.parse().expect("a constant that is an id");
    if into.stores.tenants().find(&tenant).await?.is_some() {
        return Ok(None);
    }
    let now = Stamp(into.clock.now());
    insert_demo_bots(into.stores, &tenant, now).await?;
    let password = first_password(into.data_dir)?;
    let is_ours = insert_admin(&into, &tenant, &password, now).await?;
    let tenant_doc = Tenant { slug: Some(TENANT_ID.into()), ..Tenant::new("Default", now) };
    match into.stores.tenants().insert(&tenant, &tenant_doc).await {
        Ok(()) | Err(StoreError::Duplicate) => {}
        Err(error) => return Err(error.into()),
    }
    if !is_ours {
        // Another bridge over the same store made the administrator, and told its own operator.
        forget_first_password(into.data_dir);
        return Ok(None);
    }
    tracing::info!(file = LOGIN_FILE, "first start: the administrator's password is in the data directory");
    Ok(Some(password))
}

/// Forget the first password; called when the administrator has set another.
pub fn forget_first_password(data_dir: &Path) {
    match std::fs::remove_file(data_dir.join(LOGIN_FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            tracing::warn!(%error, file = LOGIN_FILE, "the file with the first password could not be removed");
        }
        _ => {}
    }
}

async fn insert_demo_bots(stores: &Stores, tenant: &TenantId, now: Stamp) -> Result<(), FirstStartError> {
    let mut bots = Vec::new();
    for (id, text) in DEMO_BOTS {
        let settings: BotSettings =
            serde_json::from_str(text).map_err(|source| FirstStartError::DemoBot { id, source })?;
        let bot = Bot::new(tenant.clone(), settings, now);
        bots.push((id.parse().expect("a constant that is an id"), bot));
    }
    // Those that are there already were left by a start that did not finish.
    stores.bots(tenant).insert_bots(bots).await?;
    Ok(())
}

/// The password that an unfinished first start wrote down, or a new one.
fn first_password(data_dir: &Path) -> Result<SecretString, FirstStartError> {
    let path: PathBuf = data_dir.join(LOGIN_FILE);
    let known = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice::<FirstLogin>(&bytes).ok());
    if let Some(login) = known {
        return Ok(login.password.into());
    }
    let login = FirstLogin { email: ADMIN_EMAIL.into(), password: secret_token::generate() };
    private::write_json(&path, &login)
        .map_err(|source| FirstStartError::LoginFile { path: path.display().to_string(), source })?;
    Ok(login.password.into())
}

async fn insert_admin(
    into: &Empty<'_>,
    tenant: &TenantId,
    password: &SecretString,
    now: Stamp,
) -> Result<bool, FirstStartError> {
    let admin = User {
        tenant_id: tenant.clone(),
        email: ADMIN_EMAIL.into(),
        email_folded: fold_email(ADMIN_EMAIL),
        name: "Administrator".into(),
        role: Role::SuperAdmin,
        active: true,
        languages: Vec::new(),
        primary_language: None,
        password_hash: into.passwords.hash(password.expose_secret().into()).await?,
        tokens_valid_from: now,
        created_at: now,
        leaving_since: None,
        second_factor: None,
    };
    let id: UserId = ADMIN_ID.parse().expect("a constant that is an id");
    match into.stores.users(tenant).insert_user(&id, &admin).await {
        Ok(()) => Ok(true),
        // Left by a start of this bridge that did not finish, or made just now by another one.
        Err(StoreError::Duplicate) => {
            let there = into.stores.all_users().find_by_email(ADMIN_EMAIL).await?;
            let hash = there.map(|user| user.value.password_hash);
            Ok(into.passwords.verify(password.clone(), hash).await?)
        }
        Err(error) => Err(error.into()),
    }
}
