//! The arguments of a tool: which JSON schemas may say what they are, and whether a model's arguments are that. A part of JSON
//! Schema 2020-12, as large as what models are good at. What is no part of it is refused where a bot is saved, so that no
//! rule is there that nobody holds a call to; decision 0050.

use serde_json::{Map, Value};

/// Most faults that are told of one call.
const MAX_FAULTS: usize = 8;
/// Deepest schema, levels.
const MAX_DEPTH: usize = 8;
/// Longest name of a property that is told, characters.
const MAX_NAME: usize = 64;
/// What a value may be.
const TYPES: [&str; 7] = ["string", "number", "integer", "boolean", "object", "array", "null"];
/// Keywords that are held.
pub const HELD: [&str; 18] = [
    "type",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "enum",
    "const",
    "anyOf",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
];
/// Keywords that say something to the model and are rules for nobody.
pub const NOTES: [&str; 9] = [
    "title",
    "description",
    "default",
    "examples",
    "format",
    "deprecated",
    "readOnly",
    "$schema",
    "$comment",
];

/// All that is wrong with a schema of arguments, each with its dotted place in it. `null` is a tool without arguments.
pub fn faults_of_schema(schema: &Value) -> Vec<(String, String)> {
    let mut faults = Vec::new();
    match schema {
        Value::Null => {}
        Value::Object(object) => {
            if object.get("type") != Some(&Value::from("object")) {
                faults.push(("type".into(), "must be \"object\": arguments have names".into()));
            }
            read(schema, "", 0, &mut faults);
        }
        _ => faults.push((String::new(), "must be a JSON schema: an object".into())),
    }
    faults
}

fn read(schema: &Value, at: &str, depth: usize, faults: &mut Vec<(String, String)>) {
    let Some(schema) = schema.as_object() else {
        return faults.push((at.into(), "must be a JSON schema: an object".into()));
    };
    if depth > MAX_DEPTH {
        return faults.push((at.into(), format!("is deeper than {MAX_DEPTH} levels")));
    }
    for (keyword, value) in schema {
        let here = place(at, keyword);
        if NOTES.contains(&keyword.as_str()) {
            continue;
        }
        if let Some(why) = fault_of(keyword, value) {
            faults.push((here, why));
            continue;
        }
        match (keyword.as_str(), value) {
            ("properties", Value::Object(properties)) => {
                for (name, schema) in properties {
                    read(schema, &place(&here, name), depth + 1, faults);
                }
            }
            ("items", _) => read(value, &here, depth + 1, faults),
            ("anyOf", Value::Array(any)) => {
                for (n, schema) in any.iter().enumerate() {
                    read(schema, &place(&here, &n.to_string()), depth + 1, faults);
                }
            }
            _ => {}
        }
    }
}

/// What is wrong with one keyword.
fn fault_of(keyword: &str, value: &Value) -> Option<String> {
    let is_type = |value: &Value| value.as_str().is_some_and(|name| TYPES.contains(&name));
    let good = match keyword {
        "type" => is_type(value) || value.as_array().is_some_and(|l| !l.is_empty() && l.iter().all(is_type)),
        "properties" | "items" => value.is_object(),
        "required" => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
        "additionalProperties" => value.is_boolean(),
        "enum" | "anyOf" => value.as_array().is_some_and(|list| !list.is_empty()),
        "const" => true,
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => value.is_number(),
        "minLength" | "maxLength" | "minItems" | "maxItems" | "minProperties" | "maxProperties" => {
            value.is_u64()
        }
        _ => return Some(format!("this keyword is not held here; those that are: {}", HELD.join(", "))),
    };
    let wanted = match keyword {
        "type" => "must be a type of JSON, or a list of some",
        "properties" | "items" => "must be an object",
        "required" => "must be a list of names",
        "additionalProperties" => "must be true or false",
        "enum" | "anyOf" => "must be a list, and not empty",
        "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum" => "must be a number",
        _ => "must be a whole number, 0 or more",
    };
    (!good).then(|| wanted.to_owned())
}

fn place(at: &str, name: &str) -> String {
    let name: String = name.chars().take(MAX_NAME).collect();
    if at.is_empty() { name } else { format!("{at}.{name}") }
}

/// The names of the arguments.
pub fn names(schema: &Value) -> impl Iterator<Item = &str> {
    schema.get("properties").and_then(Value::as_object).into_iter().flat_map(Map::keys).map(String::as_str)
}

/// Where arguments are not as their schema says, in words for the model. They name places and rules, never values.
pub fn faults(schema: &Value, arguments: &Value) -> Vec<String> {
    let mut faults = Vec::new();
    if arguments.is_object() {
        check(schema, arguments, "", &mut faults);
    } else {
        faults.push("the arguments must be one JSON object".into());
    }
    faults.truncate(MAX_FAULTS);
    faults
}

fn check(schema: &Value, value: &Value, at: &str, faults: &mut Vec<String>) {
    let Some(schema) = schema.as_object() else { return };
    let told = faults.len();
    let mut fault = |why: String| {
        faults.push(if at.is_empty() { format!("the arguments {why}") } else { format!("'{at}' {why}") });
    };
    if let Some(types) = schema.get("type").filter(|types| !is_of(types, value)) {
        let types = types.as_str().map_or_else(|| types.to_string(), str::to_owned);
        // Nothing else about it can be right.
        return fault(format!("must be of the type {types}"));
    }
    if let Some(list) = schema.get("enum").and_then(Value::as_array)
        && !list.iter().any(|one| equal(one, value))
    {
        fault(format!("must be one of {}", Value::from(list.clone())));
    }
    if let Some(only) = schema.get("const").filter(|only| !equal(only, value)) {
        fault(format!("must be {only}"));
    }
    for why in out_of_bounds(schema, value) {
        fault(why);
    }
    if let Some(any) = schema.get("anyOf").and_then(Value::as_array) {
        let fits = |schema: &Value| {
            let mut own = Vec::new();
            check(schema, value, at, &mut own);
            own.is_empty()
        };
        if !any.iter().any(fits) {
            fault("fits none of the forms it may have".into());
        }
    }
    if faults.len() - told < MAX_FAULTS {
        check_members(schema, value, at, faults);
    }
}

fn check_members(schema: &Map<String, Value>, value: &Value, at: &str, faults: &mut Vec<String>) {
    match value {
        Value::Object(object) => {
            let required = schema.get("required").and_then(Value::as_array).into_iter().flatten();
            for name in required.filter_map(Value::as_str).filter(|name| !object.contains_key(*name)) {
                faults.push(format!("'{}' is missing", place(at, name)));
            }
            let known = schema.get("properties").and_then(Value::as_object);
            let is_closed = schema.get("additionalProperties") == Some(&Value::Bool(false));
            for (name, value) in object {
                match known.and_then(|known| known.get(name)) {
                    Some(schema) => check(schema, value, &place(at, name), faults),
                    None if is_closed => faults.push(format!("'{}' is no argument", place(at, name))),
                    None => {}
                }
            }
        }
        Value::Array(list) => {
            let Some(items) = schema.get("items") else { return };
            for (n, value) in list.iter().enumerate() {
                check(items, value, &place(at, &n.to_string()), faults);
            }
        }
        _ => {}
    }
}

fn is_of(types: &Value, value: &Value) -> bool {
    let is = |name: &str| match value {
        Value::Null => name == "null",
        Value::Bool(_) => name == "boolean",
        // 3.0 is a whole number, by the standard.
        Value::Number(n) => {
            name == "number"
                || (name == "integer"
                    && (n.is_i64() || n.is_u64() || n.as_f64().is_some_and(|n| n.fract() == 0.0)))
        }
        Value::String(_) => name == "string",
        Value::Array(_) => name == "array",
        Value::Object(_) => name == "object",
    };
    match types {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    }
}

/// Equal as JSON Schema says: 1 and 1.0 are.
fn equal(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => (one - other).abs() == 0.0,
        _ => one == other,
    }
}

fn out_of_bounds(schema: &Map<String, Value>, value: &Value) -> Vec<String> {
    let (unit, size, bounds) = match value {
        Value::Number(_) => return out_of_range(schema, value.as_f64().unwrap_or_default()),
        Value::String(text) => ("characters", text.chars().count(), ("minLength", "maxLength")),
        Value::Array(list) => ("items", list.len(), ("minItems", "maxItems")),
        Value::Object(object) => ("fields", object.len(), ("minProperties", "maxProperties")),
        Value::Null | Value::Bool(_) => return Vec::new(),
    };
    let (bound, size) = (|name: &str| schema.get(name).and_then(Value::as_u64), size as u64);
    let few = bound(bounds.0).filter(|least| size < *least).map(|n| format!("must have at least {n} {unit}"));
    let many = bound(bounds.1).filter(|most| size > *most).map(|n| format!("must have at most {n} {unit}"));
    few.into_iter().chain(many).collect()
}

/// A keyword, its words, and whether a value holds to a bound.
type Bound = (&'static str, &'static str, fn(f64, f64) -> bool);

fn out_of_range(schema: &Map<String, Value>, value: f64) -> Vec<String> {
    let rules: [Bound; 4] = [
        ("minimum", "at least", |value, bound| value >= bound),
        ("maximum", "at most", |value, bound| value <= bound),
        ("exclusiveMinimum", "more than", |value, bound| value > bound),
        ("exclusiveMaximum", "less than", |value, bound| value < bound),
    ];
    let broken = rules.into_iter().filter_map(|(keyword, words, holds)| {
        let bound = schema.get(keyword)?;
        (!holds(value, bound.as_f64()?)).then(|| format!("must be {words} {bound}"))
    });
    broken.collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn schema() -> Value {
        json!({
            "type": "object", "required": ["day", "people"], "additionalProperties": false,
            "properties": {
                "day": {"type": "string", "description": "As 2026-12-24.", "minLength": 10, "maxLength": 10},
                "people": {"type": "integer", "minimum": 1, "exclusiveMaximum": 20},
                "table": {"enum": ["inside", "outside"]},
                "note": {"type": ["string", "null"]},
                "dishes": {"type": "array", "maxItems": 2, "items": {"type": "object", "required": ["name"]}},
                "time": {"anyOf": [{"type": "string"}, {"type": "integer", "maximum": 23}]},
            },
        })
    }

    fn check_arguments(arguments: Value, expected: &[&str]) {
        assert_eq!(faults(&schema(), &arguments), expected, "{arguments}");
    }

    #[test]
    fn arguments_are_held_to_their_schema_and_faults_show_no_values() {
        check_arguments(json!({"day": "2026-12-24", "people": 4}), &[]);
        check_arguments(
            json!({"day": "2026-12-24", "people": 4.0, "table": "inside", "note": null, "time": 20}),
            &[],
        );
        check_arguments(
            json!({"people": "4"}),
            &["'day' is missing", "'people' must be of the type integer"],
        );
        check_arguments(
            json!({"day": "tomorrow", "people": 0, "colour": 1}),
            &[
                "'colour' is no argument",
                "'day' must have at least 10 characters",
                "'people' must be at least 1",
            ],
        );
        check_arguments(
            json!({"day": "2026-12-24", "people": 20, "table": "roof", "note": 7}),
            &[
                "'note' must be of the type [\"string\",\"null\"]",
                "'people' must be less than 20",
                "'table' must be one of [\"inside\",\"outside\"]",
            ],
        );
        check_arguments(
            json!({"day": "2026-12-24", "people": 2, "dishes": [{}, {"name": "soup"}, 3], "time": 24}),
            &[
                "'dishes' must have at most 2 items",
                "'dishes.0.name' is missing",
                "'dishes.2' must be of the type object",
                "'time' fits none of the forms it may have",
            ],
        );
        check_arguments(json!("{\"day\": "), &["the arguments must be one JSON object"]);
        assert_eq!(faults(&Value::Null, &json!({"anything": 1})), Vec::<String>::new());
    }

    fn check_schema(schema: Value, expected: &[&str]) {
        let places: Vec<String> = faults_of_schema(&schema).into_iter().map(|(place, _)| place).collect();
        assert_eq!(places, expected, "{schema}");
    }

    #[test]
    fn a_schema_with_a_rule_that_nobody_holds_is_refused() {
        check_schema(schema(), &[]);
        check_schema(Value::Null, &[]);
        check_schema(json!([]), &[""]);
        check_schema(json!({}), &["type"]);
        let with = |property: Value| json!({"type": "object", "properties": {"a": property}});
        check_schema(with(json!({"type": "text"})), &["properties.a.type"]);
        check_schema(with(json!({"type": "string", "pattern": "^a"})), &["properties.a.pattern"]);
        check_schema(with(json!({"$ref": "https://a.test/schema"})), &["properties.a.$ref"]);
        check_schema(
            with(json!({"anyOf": [{"type": "string"}, {"not": {}}]})),
            &["properties.a.anyOf.1.not"],
        );
        check_schema(with(json!({"items": {"minimum": "1"}})), &["properties.a.items.minimum"]);
        check_schema(with(json!(true)), &["properties.a"]);
        let mut deep = json!({"type": "string"});
        for _ in 0..20 {
            deep = json!({"type": "array", "items": deep});
        }
        assert_eq!(faults_of_schema(&with(deep)).len(), 1);
    }

    #[test]
    fn the_names_of_arguments_are_those_of_properties() {
        let schema = schema();
        let mut found: Vec<&str> = names(&schema).collect();
        found.sort_unstable();
        assert_eq!(found, ["day", "dishes", "note", "people", "table", "time"]);
        assert_eq!(names(&Value::Null).count(), 0);
    }
}
