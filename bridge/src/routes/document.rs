//! The OpenAPI document, made from the route table.

use std::collections::BTreeMap;

use actix_web::http::Method;
use actix_web::web::Bytes;
use utoipa::openapi::extensions::ExtensionsBuilder;
use utoipa::openapi::path::{HttpMethod, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{ComponentsBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Paths};
use vox_shared::wire::SECRET_HEADER;
use vox_shared::wire::proof::CALL_TOKEN_HEADER;

use super::{Access, Route};
use crate::auth::allowed::KEY_HEADER;

const BEARER: &str = "bearer";
const SECRET: &str = "secret";
const KEY: &str = "key";
const CALL_TOKEN: &str = "call_token";
const DESCRIPTION: &str = "The control plane of Vox. People log in and send their access token, programs an API key; workers \
    send the internal secret, and for a call the token that its config came with. Lists are paged with `limit` and `cursor`. Every refusal is `{error: {code, detail, fields?}}`.";

/// The document as it is sent, made once.
#[derive(Clone, Debug)]
pub struct Document(pub Bytes);

impl Document {
    /// Of these routes.
    pub fn of(table: &[Route]) -> Self {
        let document = serde_json::to_vec(&document(table)).expect("a document has text keys only");
        Self(document.into())
    }
}

fn document(table: &[Route]) -> OpenApi {
    let (mut paths, mut schemas) = (Paths::new(), BTreeMap::new());
    for route in table {
        let mut item = PathItem::new(http_method(&route.method), operation(route));
        match paths.paths.get_mut(route.path) {
            Some(known) => known.merge_operations(item),
            None => {
                item.summary = None;
                paths.paths.insert(route.path.to_owned(), item);
            }
        }
        schemas.extend(route.doc.schemas.iter().cloned());
    }
    let secret = SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(SECRET_HEADER)));
    let bearer =
        SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).bearer_format("JWT").build());
    let components = ComponentsBuilder::new()
        .schemas_from_iter(schemas)
        .security_scheme(BEARER, bearer)
        .security_scheme(SECRET, secret)
        .security_scheme(
            CALL_TOKEN,
            SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(CALL_TOKEN_HEADER))),
        )
        .security_scheme(KEY, SecurityScheme::ApiKey(ApiKey::Header(ApiKeyValue::new(KEY_HEADER))))
        .build();
    let info = InfoBuilder::new().title("Vox bridge").version(env!("CARGO_PKG_VERSION"));
    OpenApiBuilder::new()
        .info(info.description(Some(DESCRIPTION)).build())
        .paths(paths)
        .components(Some(components))
        .build()
}

fn operation(route: &Route) -> utoipa::openapi::path::Operation {
    let mut operation = route.doc.operation(route.path);
    let (schemes, access): (&[&str], String) = match route.access {
        Access::Public => (&[], "public".into()),
        Access::Internal => (&[SECRET], "the workers' or the tools' secret".into()),
        Access::OfCall => {
            (&[CALL_TOKEN, SECRET], "the call's token; the workers' or the tools' secret".into())
        }
        Access::Tools => (&[SECRET], "the tools' secret".into()),
        Access::Page => (&[], "a page with the bot's key, of an origin that the bot allows".into()),
        Access::LiveKit => (&[], "the LiveKit server, by its own token over the body".into()),
        Access::Person(role, None) => (&[BEARER], format!("{} and above", role.as_str())),
        Access::Person(role, Some(scope)) => {
            (&[BEARER, KEY], format!("{} and above, or a key with {scope}", role.as_str()))
        }
    };
    let required = |name: &&str| SecurityRequirement::new(*name, Vec::<String>::new());
    operation.security = Some(schemes.iter().map(required).collect()).filter(|s: &Vec<_>| !s.is_empty());
    operation.extensions = Some(ExtensionsBuilder::new().add("x-access", access).build());
    operation
}

fn http_method(method: &Method) -> HttpMethod {
    match method.as_str() {
        "POST" => HttpMethod::Post,
        "PUT" => HttpMethod::Put,
        "PATCH" => HttpMethod::Patch,
        "DELETE" => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The document has one list of schemas: of two with the same name only one would be told.
    #[test]
    fn a_name_is_the_name_of_one_schema() {
        let (mut known, mut shared) = (BTreeMap::<String, String>::new(), Vec::new());
        for route in super::super::table() {
            for (name, schema) in &route.doc.schemas {
                let schema = serde_json::to_string(schema).unwrap();
                let first = known.entry(name.clone()).or_insert_with(|| schema.clone());
                if *first != schema {
                    shared.push(format!("{name} of {} {}", route.method, route.path));
                }
            }
        }
        assert!(shared.is_empty(), "another route has another schema of this name: {shared:#?}");
    }
}
