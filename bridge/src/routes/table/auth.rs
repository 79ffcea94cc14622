//! Logging in and the own profile.

use actix_web::http::Method;

use crate::api::auth;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use auth::login::ChallengeView;
    use auth::view::{SessionView, UserView};
    let own = Access::with::<may::OwnProfile>();
    vec![
        row(
            (Method::POST, "/api/v1/auth/login"),
            Access::Public,
            auth::login::login,
            Doc::new("auth", "Log in")
                .body::<auth::login::Credentials>()
                .answers::<SessionView>("200", "A session")
                .answers::<ChallengeView>("202", "The password is right, and a code is wanted")
                .refuses("401", "Wrong address or password, or the user is inactive")
                .refuses("429", "Too many attempts from this client; `Retry-After` says when"),
        ),
        row(
            (Method::POST, "/api/v1/auth/login/second-factor"),
            Access::Public,
            auth::second_factor::log_in,
            Doc::new("auth", "Log in with a code")
                .body::<auth::second_factor::CodeLogin>()
                .answers::<SessionView>("200", "A session")
                .refuses("401", "The challenge is over, or the code is wrong or was used before")
                .refuses("429", "Too many attempts from this client; `Retry-After` says when"),
        ),
        row(
            (Method::GET, "/api/v1/auth/oidc"),
            Access::Public,
            auth::oidc::options::options,
            Doc::new("auth", "Through which provider one can sign in")
                .query::<auth::oidc::options::OptionsQuery>()
                .answers::<auth::oidc::options::SignInOption>("200", "The provider")
                .refuses("404", "There is none"),
        ),
        row(
            (Method::GET, "/api/v1/auth/oidc/login"),
            Access::Public,
            auth::oidc::begin::begin,
            Doc::new("auth", "Sign in through a provider: send the browser there")
                .query::<auth::oidc::begin::BeginQuery>()
                .answers_empty("302", "To the provider")
                .refuses("404", "There is none")
                .refuses("503", "The provider cannot be asked"),
        ),
        row(
            (Method::GET, "/api/v1/auth/oidc/callback"),
            Access::Public,
            auth::oidc::finish::finish,
            Doc::new("auth", "Where a provider sends the browser back to")
                .query::<auth::oidc::finish::CallbackQuery>()
                .answers::<auth::oidc::finish::SignInView>(
                    "200",
                    "What begins the session; without `return_to`",
                )
                .answers_empty("302", "To `return_to`, with `#sign_in=…`")
                .refuses("401", "Not begun in this browser, denied, or not to be trusted")
                .refuses("403", "Nobody here, or nobody whom this provider may sign in")
                .refuses("404", "The provider was taken away meanwhile")
                .refuses("503", "The provider cannot be asked"),
        ),
        row(
            (Method::POST, "/api/v1/auth/oidc/session"),
            Access::Public,
            auth::oidc::session::begin,
            Doc::new("auth", "Begin the session of a sign-in")
                .body::<auth::oidc::session::SignInProof>()
                .answers::<SessionView>("200", "A session")
                .answers::<ChallengeView>("202", "A code is wanted")
                .refuses("401", "Not begun in this browser, used before, or more than 60 s ago")
                .refuses("403", "The account is switched off, or gone"),
        ),
        row(
            (Method::POST, "/api/v1/auth/me/second-factor"),
            own,
            auth::second_factor::enrol,
            Doc::new("auth", "Begin to enrol a second factor")
                .body::<auth::second_factor::PasswordProof>()
                .answers::<auth::second_factor::EnrolmentView>(
                    "201",
                    "The secret, this once; a code confirms it",
                )
                .refuses("403", "The password is wrong")
                .refuses("409", "There is one already"),
        ),
        row(
            (Method::POST, "/api/v1/auth/me/second-factor/confirm"),
            own,
            auth::second_factor::confirm,
            Doc::new("auth", "Confirm a second factor")
                .body::<auth::second_factor::CodeProof>()
                .answers::<auth::second_factor::RecoveryView>("200", "Recovery codes, this once")
                .refuses("401", "The code is wrong")
                .refuses("409", "None is to be confirmed"),
        ),
        row(
            (Method::POST, "/api/v1/auth/me/second-factor/disable"),
            own,
            auth::second_factor::disable,
            Doc::new("auth", "Disable own second factor")
                .body::<auth::second_factor::BothProofs>()
                .answers_empty("204", "The password is enough again")
                .refuses("401", "The code is wrong")
                .refuses("403", "The password is wrong")
                .refuses("409", "There is none"),
        ),
        row(
            (Method::POST, "/api/v1/auth/refresh"),
            Access::Public,
            auth::refresh::refresh,
            Doc::new("auth", "Refresh a session")
                .body::<auth::refresh::RefreshRequest>()
                .answers::<SessionView>(
                    "200",
                    "The session with new tokens; the old refresh token is used up",
                )
                .refuses(
                    "401",
                    "The refresh token is unknown, expired or was used before, which ends the session",
                ),
        ),
        row(
            (Method::POST, "/api/v1/auth/logout"),
            Access::Public,
            auth::logout::logout,
            Doc::new("auth", "Log out")
                .body::<auth::refresh::RefreshRequest>()
                .answers_empty("204", "The session is over"),
        ),
        row(
            (Method::POST, "/api/v1/auth/register"),
            Access::with::<may::CreateUsers>(),
            auth::register::register,
            Doc::new("auth", "Create a user")
                .body::<auth::register::NewUser>()
                .answers::<UserView>("201", "The user")
                .refuses("403", "The role is above your own")
                .refuses("409", "The address is taken"),
        ),
        row(
            (Method::GET, "/api/v1/auth/me"),
            own,
            auth::me::read,
            Doc::new("auth", "Own profile").answers::<UserView>("200", "You"),
        ),
        row(
            (Method::PUT, "/api/v1/auth/me"),
            own,
            auth::me::replace,
            Doc::new("auth", "Change own profile")
                .body::<auth::me::Profile>()
                .answers::<UserView>("200", "You"),
        ),
        row(
            (Method::PUT, "/api/v1/auth/me/password"),
            own,
            auth::password::change,
            Doc::new("auth", "Change own password")
                .body::<auth::password::PasswordChange>()
                .answers::<SessionView>("200", "A new session; every other one is over")
                .refuses("403", "The current password is wrong"),
        ),
        row(
            (Method::PUT, "/api/v1/auth/me/email"),
            own,
            auth::email::change,
            Doc::new("auth", "Change own address")
                .body::<auth::email::EmailChange>()
                .answers::<SessionView>("200", "A new session; every other one is over")
                .refuses("403", "The password is wrong")
                .refuses("409", "The address is taken"),
        ),
    ]
}
