//! `GET /api/v1/campaigns/{campaign_id}/imports/{import_id}/errors`

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Bytes, Data};
use futures_util::stream;
use tracing::instrument;
use vox_shared::ids::{CampaignId, ImportId};

use super::super::view::whole_tenant;
use crate::auth::allowed::Allowed;
use crate::auth::permission::ReadCampaigns;
use crate::campaign::import::csv;
use crate::edge::params::InPath;
use crate::error::ApiResult;
use crate::store::campaign_imports::{Imports, RefusedRow};
use crate::store::{Cursor, Stores};

/// The rows that were refused, and the duplicates, as CSV: line, reason, what to do, the column that is wrong, and the row as it stood
/// there; the first 50,000. A cell that a spreadsheet would take for a formula begins with an apostrophe.
#[instrument(name = "campaigns.imports.errors", skip_all, fields(campaign.id = %ids.0.0))]
pub async fn errors(
    who: Allowed<ReadCampaigns>,
    ids: InPath<(CampaignId, ImportId)>,
    stores: Data<Stores>,
) -> ApiResult<HttpResponse> {
    let imports = stores.campaign_imports(whole_tenant(&who)?);
    let import = imports.get_import(&ids.0.0, &ids.0.1).await?;
    let header = ["line", "reason", "detail", "column"].into_iter();
    let head = csv::line(header.chain(import.value.header.iter().map(String::as_str)));
    let pages = stream::unfold(Page::First { imports, id: ids.0.1 }, page);
    let first = stream::once(async move { Ok(Bytes::from(head)) });
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_TYPE, "text/csv; charset=utf-8"));
    response.insert_header((header::CACHE_CONTROL, "no-store"));
    response.insert_header((header::CONTENT_DISPOSITION, "attachment; filename=\"errors.csv\""));
    Ok(response.streaming(futures_util::StreamExt::chain(first, pages)))
}

enum Page {
    First { imports: Imports, id: ImportId },
    Next { imports: Imports, id: ImportId, after: Cursor },
    End,
}

async fn page(page: Page) -> Option<(std::io::Result<Bytes>, Page)> {
    let (imports, id, after) = match page {
        Page::First { imports, id } => (imports, id, None),
        Page::Next { imports, id, after } => (imports, id, Some(after)),
        Page::End => return None,
    };
    let listed = match imports.list_refused(&id, after).await {
        Ok(listed) => listed,
        Err(error) => return Some((Err(std::io::Error::other(error)), Page::End)),
    };
    let lines: String = listed.items.iter().flat_map(|stored| &stored.value.rows).map(line).collect();
    let next = match listed.next_cursor.as_deref().map(Cursor::parse) {
        Some(Ok(after)) => Page::Next { imports, id, after },
        _ => Page::End,
    };
    // A piece without bytes would be the end of the answer.
    if lines.is_empty() { None } else { Some((Ok(Bytes::from(lines)), next)) }
}

fn line(row: &RefusedRow) -> String {
    let number = row.line.to_string();
    let told = [number.as_str(), &row.code, &row.detail, &row.column];
    csv::line(told.into_iter().chain(row.cells.iter().map(String::as_str)))
}
