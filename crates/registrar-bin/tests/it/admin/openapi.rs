//! The API is as its OpenAPI document says.

use serde_json::Value;

use super::Administered;
use crate::harness::{Phone, Request};

const METHODS: [&str; 5] = ["get", "post", "delete", "put", "patch"];

/// Asserts that a value is as its schema says, all of it: what is required is there, and nothing that is not described.
fn fits(value: &Value, schema: &Value, document: &Value) {
    if let Some(name) = schema["$ref"].as_str() {
        return fits(value, document.pointer(name.trim_start_matches('#')).unwrap(), document);
    }
    let kinds = schema["type"].as_array().map_or_else(|| vec![&schema["type"]], |kinds| kinds.iter().collect());
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "integer",
        Value::Bool(_) => "boolean",
        Value::Null => "null",
    };
    assert!(kinds.contains(&&kind.into()), "{value} is no {schema}");
    if let Some(values) = schema["enum"].as_array() {
        assert!(values.contains(value), "{value} is none of {values:?}");
    }
    match value {
        Value::Array(values) => values.iter().for_each(|value| fits(value, &schema["items"], document)),
        Value::Object(fields) => {
            for name in schema["required"].as_array().into_iter().flatten() {
                assert!(fields.contains_key(name.as_str().unwrap()), "{name} is not in {value}");
            }
            for (name, value) in fields {
                let known = schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
                fits(value, known.unwrap_or_else(|| panic!("{name} is not described in {schema}")), document);
            }
        }
        _ => {}
    }
}

/// A path with alice in it.
fn filled(path: &str) -> String {
    path.replace("{aor}", "sip%3Aalice%40example.com")
}

#[test]
fn what_is_answered_fits_the_document() {
    let registrar = Administered::start("");
    let mut phone = Phone::tcp(registrar.registrar.tcp());
    let request = Request::register("sip:alice@example.com").with("User-Agent: a phone");
    assert_eq!(phone.ask(&request.contact("<sip:alice@192.0.2.7>;+sip.instance=\"<urn:x>\";reg-id=1")).status(), 200);
    let refused = Request::register("sip:alice@example.com").contact("<sip:alice@192.0.2.7>").expires(1);
    assert_eq!(phone.ask(&refused).status(), 423);
    let api = registrar.api();
    let document = api.get("/api/v1/openapi.json");
    let mut checked = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        let schema = &item["get"]["responses"]["200"]["content"]["application/json"]["schema"];
        if !schema.is_null() && path != "/api/v1/openapi.json" {
            fits(&api.get(&filled(path)), schema, &document);
            checked += 1;
        }
    }
    assert_eq!(checked, 7);
    let refused = api.ask("GET", "/api/v1/aors/tel%3A%2B49", &[]).json();
    fits(&refused, &document["components"]["schemas"]["ApiError"], &document);
    let removed = &document["paths"]["/api/v1/aors/{aor}/bindings"]["delete"]["responses"]["200"];
    let done = api.ask("DELETE", &filled("/api/v1/aors/{aor}/bindings"), &[]).json();
    fits(&done, &removed["content"]["application/json"]["schema"], &document);
}

#[test]
fn each_path_has_the_methods_that_are_documented_and_no_others() {
    let registrar = Administered::start("");
    let api = registrar.api();
    let document = api.get("/api/v1/openapi.json");
    let paths = document["paths"].as_object().unwrap();
    assert_eq!(paths.len(), 13, "{paths:?}");
    for (path, item) in paths {
        // A kind that does not exist, so that the events end at once; and nothing drains yet.
        let path = if path.ends_with("/events") { format!("{path}?kinds=none") } else { filled(path) };
        for method in METHODS.into_iter().filter(|method| !(path.ends_with("/drain") && *method == "post")) {
            let answered = api.ask(&method.to_uppercase(), &path, &[]);
            assert_eq!(answered.status != 405, item.get(method).is_some(), "{method} {path}: {answered:?}");
            assert!(!answered.body.contains("no-such-path"), "{path}");
        }
    }
    assert!(paths["/api/v1/drain"].get("post").is_some());
    assert_eq!(api.ask("POST", "/api/v1/drain", &[]).status, 202);
    assert_eq!(registrar.registrar.finish().code, Some(0));
}
