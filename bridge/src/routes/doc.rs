//! What the OpenAPI document says about a route, written beside its row.

use utoipa::openapi::path::{Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::Type;
use utoipa::openapi::{Content, ObjectBuilder, Ref, RefOr, Required, ResponseBuilder, Schema};
use utoipa::{IntoParams, ToSchema};

use super::Access;

/// A named schema.
pub type Named = (String, RefOr<Schema>);

/// The documentation of one route.
pub struct Doc {
    tag: &'static str,
    summary: &'static str,
    parameters: Vec<Parameter>,
    operation: Operation,
    /// The schemas that it refers to.
    pub schemas: Vec<Named>,
}

impl Doc {
    pub fn new(tag: &'static str, summary: &'static str) -> Self {
        let operation = OperationBuilder::new().tag(tag).summary(Some(summary)).build();
        Self { tag, summary, parameters: Vec::new(), operation, schemas: Vec::new() }
    }

    /// Query parameters.
    pub fn query<T: IntoParams>(mut self) -> Self {
        self.parameters.extend(T::into_params(|| Some(ParameterIn::Query)));
        self
    }

    /// A header that the route looks at.
    pub fn header(mut self, name: &str, description: &str) -> Self {
        let header = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Header);
        let header = header.required(Required::False).description(Some(description)).schema(Some(text()));
        self.parameters.push(header.build());
        self
    }

    /// A JSON body.
    pub fn body<T: ToSchema>(mut self) -> Self {
        let content = Content::new(Some(self.refer::<T>()));
        self.request("application/json", content)
    }

    /// A JSON body that is described in words.
    pub fn json_body(self, description: &'static str) -> Self {
        let content = Content::new(Some(ObjectBuilder::new().description(Some(description)).build()));
        self.request("application/json", content)
    }

    /// A body of bytes.
    pub fn bytes_body(self, media_type: &'static str) -> Self {
        self.request(media_type, Content::new(None::<RefOr<Schema>>))
    }

    fn request(mut self, media_type: &str, content: Content) -> Self {
        let body =
            RequestBodyBuilder::new().content(media_type, content).required(Some(Required::True)).build();
        self.operation.request_body = Some(body.into());
        self
    }

    /// A JSON answer.
    pub fn answers<T: ToSchema>(mut self, status: &str, description: &str) -> Self {
        let content = Content::new(Some(self.refer::<T>()));
        self.response(status, description, Some(("application/json", content)))
    }

    /// Another answer, or a JSON answer described in words.
    pub fn answers_with(self, status: &str, media_type: &'static str, description: &str) -> Self {
        self.response(status, description, Some((media_type, Content::new(None::<RefOr<Schema>>))))
    }

    /// An answer without a body.
    pub fn answers_empty(self, status: &str, description: &str) -> Self {
        self.response(status, description, None)
    }

    /// A refusal, with the common error body.
    pub fn refuses(mut self, status: &str, description: &str) -> Self {
        let content = Content::new(Some(self.refer::<crate::error::ErrorBody>()));
        self.response(status, description, Some(("application/json", content)))
    }

    /// People and keys may ask so often.
    pub(super) fn limited(self) -> Self {
        const TOLD: &str =
            "too many requests in a minute, or at once; `Retry-After` says when the next one may come";
        if self.operation.responses.responses.contains_key("429") { self } else { self.refuses("429", TOLD) }
    }

    fn response(mut self, status: &str, description: &str, content: Option<(&str, Content)>) -> Self {
        let mut response = ResponseBuilder::new().description(description);
        if let Some((media_type, content)) = content {
            response = response.content(media_type, content);
        }
        self.operation.responses.responses.insert(status.to_owned(), response.build().into());
        self
    }

    fn refer<T: ToSchema>(&mut self) -> RefOr<Schema> {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
        RefOr::Ref(Ref::from_schema_name(T::name()))
    }

    /// What every route of this access and shape may answer as well, where the row does not say it better.
    pub fn usual_refusals(self, path: &str, access: Access) -> Self {
        let has_body = self.operation.request_body.is_some();
        let has_query = self.parameters.iter().any(|p| p.parameter_in == ParameterIn::Query);
        let has_name = path.contains('{');
        let is_guarded = !matches!(access, Access::Public | Access::LiveKit);
        [
            ("400", true, "A header, the query or the body cannot be read"),
            (
                "401",
                matches!(access, Access::Person(..) | Access::Page | Access::LiveKit),
                "No credential, or one that is not valid any more",
            ),
            ("403", is_guarded, "The credential does not open this"),
            ("404", has_name, "There is no such object within reach"),
            ("413", has_body, "The body is too large"),
            ("415", has_body, "The body is of another media type"),
            (
                "422",
                has_body || has_query || has_name,
                "Something has a value that is not acceptable; `fields` says what",
            ),
            ("503", true, "A store does not answer, or too much is asked for at once; repeat the request"),
        ]
        .into_iter()
        .filter(|(_, applies, _)| *applies)
        .fold(self, |doc, (status, _, description)| {
            match doc.operation.responses.responses.contains_key(status) {
                true => doc,
                false => doc.refuses(status, description),
            }
        })
    }

    /// The operation at a path: its `{names}` become parameters.
    pub fn operation(&self, path: &str) -> Operation {
        let names = path.split('{').skip(1).filter_map(|part| part.split('}').next());
        let in_path = names.map(|name| {
            let parameter = ParameterBuilder::new().name(name).parameter_in(ParameterIn::Path);
            parameter.required(Required::True).schema(Some(text())).build()
        });
        let parameters: Vec<Parameter> = in_path.chain(self.parameters.iter().cloned()).collect();
        let id = format!("{}.{}", self.tag, self.summary.to_lowercase().replace(' ', "_"));
        let mut operation = self.operation.clone();
        operation.operation_id = Some(id);
        operation.parameters = Some(parameters.into_iter().map(RefOr::T).collect());
        operation
    }
}

fn text() -> Schema {
    ObjectBuilder::new().schema_type(Type::String).into()
}
