//! `DELETE /api/v1/integrations/exotel`

use actix_web::HttpResponse;
use actix_web::web::Data;
use tracing::instrument;

use crate::api::carriers::delete::has_numbers;
use crate::audit::trail::Trail;
use crate::auth::allowed::Allowed;
use crate::auth::permission::EditCarriers;
use crate::error::ApiResult;
use crate::store::Stores;

/// Delete the tenant's account, which has no numbers any more.
#[instrument(name = "exotel.remove", skip_all)]
pub async fn remove(
    who: Allowed<EditCarriers>,
    trail: Trail,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    let (accounts, dids) = (stores.exotel(who.tenant()), stores.dids(who.tenant()));
    let mut account = accounts.get_account().await?;
    let carrier = account.value.carrier_id.clone();
    trail.concerns(carrier.as_str());
    if dids.has_numbers(&carrier).await? {
        return Err(has_numbers());
    }
    // Whoever adds a number looks afterwards whether the account closes; so either sees the other.
    account.value.closing = true;
    let mut account = accounts.replace_account(account).await?;
    if dids.has_numbers(&carrier).await? {
        account.value.closing = false;
        accounts.replace_account(account).await?;
        return Err(has_numbers());
    }
    accounts.delete_account(&account).await?;
    Ok(HttpResponse::NoContent().finish())
}
