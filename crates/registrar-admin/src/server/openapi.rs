//! The API described as an OpenAPI document.

use axum::Json;
use registrar_api as api;
use utoipa::openapi::path::{HttpMethod, Operation, OperationBuilder, Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, Info, ObjectBuilder, OpenApi as Document, Ref, RefOr, Required, ResponseBuilder, Schema, Type,
};
use utoipa::{IntoParams, OpenApi};

const JSON: &str = "application/json";

#[derive(OpenApi)]
#[openapi(components(schemas(
    api::Status,
    api::AorPage,
    api::Aor,
    api::Why,
    api::AddBinding,
    api::Removed,
    api::Outcome,
    api::ReasonText,
    api::Event,
    api::Missed,
    api::Delivery,
    api::Effective,
    api::Reloaded,
    api::ApiError
)))]
struct Schemas;

pub(super) async fn document() -> Json<Document> {
    Json(make())
}

fn make() -> Document {
    use HttpMethod::{Delete, Get, Post};
    let mut document = Schemas::openapi();
    document.info = Info::new("Registrar", env!("CARGO_PKG_VERSION"));
    if let Some(components) = &mut document.components {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        components.security_schemes.insert("token".to_owned(), SecurityScheme::Http(bearer).into());
    }
    // Over TCP, if there are tokens; the Unix socket asks for none.
    let token = SecurityRequirement::new("token", Vec::<String>::new());
    document.security = Some(vec![SecurityRequirement::default(), token]);
    let filter = api::Filter::into_params(|| Some(ParameterIn::Query));
    let kinds = "Kinds of events, with commas between; without it, all";
    let watched =
        [query("kinds", kinds), query("domain", "The domain: whole"), query("aor", "The address: whole"), last_event()];
    let contact = query("contact", "The contact that is removed: its URI, or a Contact; without it, all");
    let add = RequestBodyBuilder::new()
        .content(JSON, ContentBuilder::new().schema(Some(one("AddBinding"))))
        .required(Some(Required::True));
    let list = answers("The table, a page of it or, as application/x-ndjson, all of it with an Aor in each line")
        .content(JSON, ContentBuilder::new().schema(Some(one("AorPage"))))
        .content("application/x-ndjson", ContentBuilder::new().item_schema(Some(one("Aor"))));
    let events = answers("Server-sent events: data is an Event, or a Missed where event is missed").content(
        "text/event-stream",
        ContentBuilder::new().schema(Some(ObjectBuilder::new().schema_type(Type::String))),
    );
    let operations = [
        (Get, "/status", operation("How the registrar is", "200", json("The status", one("Status")))),
        (Get, "/aors", operation("Who is registered", "200", list).parameters(Some(filter))),
        (
            Get,
            "/aors/{aor}",
            operation("One address of record", "200", json("Its bindings", one("Aor"))).parameter(aor()),
        ),
        (
            Get,
            "/aors/{aor}/why",
            operation("Why an address is, or is not, reachable", "200", json("What is known of it", one("Why")))
                .parameter(aor()),
        ),
        (
            Post,
            "/aors/{aor}/bindings",
            operation("Add a binding that no phone has to renew", "201", json("The address now", one("Aor")))
                .parameter(aor())
                .request_body(Some(add.build())),
        ),
        (
            Delete,
            "/aors/{aor}/bindings",
            operation("Remove bindings", "200", json("What was removed", one("Removed")))
                .parameter(aor())
                .parameter(contact),
        ),
        (
            Delete,
            "/flows/{flow}",
            operation("End a connection", "204", answers("It ends as soon as what is due on it has been sent"))
                .parameter(flow()),
        ),
        (
            Get,
            "/refusals",
            operation("The last refusals, the newest first", "200", json("The refusals", many("Outcome"))),
        ),
        (Get, "/reasons", operation("Every reason and what it means", "200", json("The reasons", many("ReasonText")))),
        (Get, "/events", operation("What happens, as it happens", "200", events).parameters(Some(watched))),
        (
            Get,
            "/config",
            operation("The settings in force", "200", json("Each, and where it is from", one("Effective"))),
        ),
        (Post, "/reload", operation("Read the configuration again", "200", json("What has changed", one("Reloaded")))),
        (Post, "/drain", operation("Answer what has arrived, then stop", "202", answers("It drains"))),
        (
            Get,
            "/openapi.json",
            operation("This document", "200", json("The document", ObjectBuilder::new().schema_type(Type::Object))),
        ),
    ];
    for (method, path, operation) in operations {
        document.paths.add_path_operation(format!("/api/v1{path}"), vec![method], operation.build());
    }
    document
}

/// What may be refused is refused with an `ApiError`.
fn operation(summary: &str, status: &str, answer: ResponseBuilder) -> OperationBuilder {
    let refused =
        answers("Why it was not carried out").content(JSON, ContentBuilder::new().schema(Some(one("ApiError"))));
    Operation::builder().summary(Some(summary)).response(status, answer).response("default", refused)
}

fn answers(description: &str) -> ResponseBuilder {
    ResponseBuilder::new().description(description)
}

fn json(description: &str, schema: impl Into<RefOr<Schema>>) -> ResponseBuilder {
    answers(description).content(JSON, ContentBuilder::new().schema(Some(schema)))
}

fn one(name: &str) -> RefOr<Schema> {
    Ref::from_schema_name(name).into()
}

fn many(name: &str) -> RefOr<Schema> {
    RefOr::T(Schema::Array(utoipa::openapi::ArrayBuilder::new().items(one(name)).build()))
}

fn aor() -> Parameter {
    text("aor", "The address")
        .example(Some("sip:alice@example.com".into()))
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .build()
}

fn flow() -> Parameter {
    text("flow", "The connection as a binding names it")
        .example(Some("0-12-1".into()))
        .parameter_in(ParameterIn::Path)
        .required(Required::True)
        .build()
}

fn last_event() -> Parameter {
    let description = "The id of the last event that is known: what happened since comes first";
    text("Last-Event-ID", description).parameter_in(ParameterIn::Header).required(Required::False).build()
}

fn query(name: &str, description: &str) -> Parameter {
    text(name, description).parameter_in(ParameterIn::Query).required(Required::False).build()
}

fn text(name: &str, description: &str) -> ParameterBuilder {
    let schema = ObjectBuilder::new().schema_type(Type::String);
    ParameterBuilder::new().name(name).description(Some(description)).schema(Some(schema))
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    /// Every `$ref` in it.
    fn refs<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|value| refs(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| refs(value, found)),
            _ => {}
        }
    }

    #[test]
    fn everything_that_is_referred_to_is_there() {
        let document = serde_json::to_value(super::make()).unwrap();
        let mut found = Vec::new();
        refs(&document, &mut found);
        assert!(found.len() > 20, "{found:?}");
        for name in found {
            assert!(document.pointer(name.trim_start_matches('#')).is_some(), "{name}");
        }
    }
}
