//! Settings, and the keys that secrets are under.

use actix_web::http::Method;

use crate::api::settings;
use crate::auth::permission as may;
use crate::routes::doc::Doc;
use crate::routes::row::row;
use crate::routes::{Access, Route};

pub(super) fn routes() -> Vec<Route> {
    use settings::{
        api_keys, display, fleet, holidays, owner, quiet_hours, read, recording_links, retention, rotate,
        rotation, routing, sign_in, timezone, vendor_limits, vendor_targets, view,
    };
    let manage = Access::with::<may::ManageSettings>();
    vec![
        row(
            (Method::GET, "/api/v1/settings"),
            manage,
            read::read,
            Doc::new("settings", "Read the settings of the tenant and the deployment")
                .answers::<view::SettingsView>("200", "Both, keys masked"),
        ),
        row(
            (Method::GET, "/api/v1/settings/display"),
            Access::with::<may::ReadDisplaySettings>(),
            display::display,
            Doc::new("settings", "How things are to be shown")
                .answers::<display::DisplayView>("200", "For everybody"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/api-keys"),
            manage,
            api_keys::api_keys,
            Doc::new("settings", "Set vendor keys for bots that name none")
                .query::<owner::OwnerQuery>()
                .json_body("Keys by the vendor's name; null takes one away, those that are not named stay")
                .answers::<view::DocumentView>("200", "The settings as they are now"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/timezone"),
            manage,
            timezone::timezone,
            Doc::new("settings", "Set the time zone that times are shown in")
                .query::<owner::OwnerQuery>()
                .body::<timezone::NewTimezone>()
                .answers::<view::DocumentView>("200", "The settings as they are now"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/recording-links"),
            manage,
            recording_links::recording_links,
            Doc::new("settings", "Set after how many days links to recordings end")
                .query::<owner::OwnerQuery>()
                .body::<recording_links::NewLife>()
                .answers::<view::DocumentView>("200", "The settings as they are now"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/fleet"),
            Access::with::<may::ManageHosts>(),
            fleet::fleet,
            Doc::new("settings", "Set which hosts are polled")
                .body::<fleet::PolledHosts>()
                .answers::<fleet::PolledHosts>("200", "The hosts that are polled, by name"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/routing"),
            manage,
            routing::routing,
            Doc::new("settings", "Set by what calls are given vendors")
                .query::<owner::OwnerQuery>()
                .body::<routing::NewRouting>()
                .answers::<view::DocumentView>("200", "The settings as they are now"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/quiet-hours"),
            manage,
            quiet_hours::quiet_hours,
            Doc::new("settings", "Set at which hours the tenant's campaigns call nobody")
                .body::<quiet_hours::NewQuietHours>()
                .answers::<view::DocumentView>("200", "The settings as they are now"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/holidays"),
            manage,
            holidays::holidays,
            Doc::new("settings", "Set on which days the tenant's campaigns call nobody")
                .body::<holidays::NewHolidays>()
                .answers::<view::DocumentView>("200", "The settings as they are now"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/vendor-limits"),
            manage,
            vendor_limits::vendor_limits,
            Doc::new("settings", "State what vendors do at once for one key")
                .query::<owner::OwnerQuery>()
                .body::<vendor_limits::NewVendorLimits>()
                .answers::<view::DocumentView>("200", "The settings as they are now"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/vendor-targets"),
            manage,
            vendor_targets::vendor_targets,
            Doc::new("settings", "Set what is expected of vendors")
                .query::<owner::OwnerQuery>()
                .body::<vendor_targets::NewVendorTargets>()
                .answers::<view::DocumentView>("200", "The settings as they are now"),
        ),
        row(
            (Method::GET, "/api/v1/settings/sign-in"),
            manage,
            sign_in::read,
            Doc::new("settings", "Read the provider that people sign in through")
                .query::<owner::OwnerQuery>()
                .answers::<sign_in::ProviderView>("200", "Without its client's secret")
                .refuses("404", "None is set"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/sign-in"),
            manage,
            sign_in::replace,
            Doc::new("settings", "Set the provider that people sign in through")
                .query::<owner::OwnerQuery>()
                .body::<sign_in::ProviderRequest>()
                .answers::<sign_in::ProviderView>("200", "Without its client's secret")
                .refuses("409", "It was changed in the meantime"),
        ),
        row(
            (Method::DELETE, "/api/v1/settings/sign-in"),
            manage,
            sign_in::remove,
            Doc::new("settings", "Take the provider away")
                .query::<owner::OwnerQuery>()
                .answers_empty("204", "It is gone")
                .refuses("404", "None is set"),
        ),
        row(
            (Method::PUT, "/api/v1/settings/retention"),
            manage,
            retention::retention,
            Doc::new("settings", "Set after how many days calls and recordings are deleted")
                .body::<retention::NewRetention>()
                .answers::<view::DocumentView>("200", "The tenant's settings as they are now"),
        ),
        row(
            (Method::GET, "/api/v1/settings/keys/rotation"),
            manage,
            rotation::rotation,
            Doc::new("settings", "How far the last rotation of keys is")
                .answers::<view::RotationView>("200", "The last one"),
        ),
        row(
            (Method::POST, "/api/v1/settings/keys/rotation"),
            manage,
            rotate::rotate,
            Doc::new("settings", "Rotate the keys that secrets are encrypted under")
                .answers::<view::RotationView>("202", "It runs, or ran already"),
        ),
    ]
}
