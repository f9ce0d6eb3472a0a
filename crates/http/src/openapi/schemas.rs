//! The schemas that all operations share: objects as they are shown, pages of them, errors.

use std::{borrow::Cow, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, transform::transform_subschemas};
use serde_json::{Map, Value, json};
use stepgate_domain::resource::{Resource, Scope};

use super::names::schema_name;

/// The form of a body.
pub(crate) type SchemaOf = fn(&mut SchemaGenerator) -> Schema;

/// A schema of the document by name; the first mention defines it.
pub(super) fn named(
    generator: &mut SchemaGenerator,
    name: &str,
    define: impl FnOnce(&mut SchemaGenerator) -> Value,
) -> Schema {
    if !generator.definitions().contains_key(name) {
        // A definition that mentions itself finds this one.
        let definitions = generator.definitions_mut();
        definitions.insert(name.to_owned(), Value::Bool(true));
        let definition = define(generator);
        let definitions = generator.definitions_mut();
        definitions.insert(name.to_owned(), definition);
    }
    Schema::new_ref(format!("#/components/schemas/{name}"))
}

/// An object with these members, of which the first `required` are always there.
pub(super) fn object(required: usize, members: Value) -> Value {
    let Value::Object(members) = members else {
        return members;
    };
    let names: Vec<&String> = members.keys().take(required).collect();
    json!({ "type": "object", "required": names, "properties": members })
}

/// As readers of `OpenAPI` take it: many see nothing beside a `$ref`, so that it goes into `allOf`
/// where members stand beside it; some know no schema that is just `true`, and no default of an object; and a URI may have letters
/// outside of ASCII here.
pub(super) fn widely_read(schema: &mut Schema) {
    if schema.as_bool() == Some(true) {
        *schema = Schema::default();
    }
    if schema
        .get("default")
        .is_some_and(|it| it.is_null() || it.is_object())
    {
        schema.remove("default");
    }
    if schema.get("format") == Some(&json!("uri")) {
        schema.insert("format".to_owned(), "iri".into());
    }
    if schema.get("properties").is_some()
        && let Some(reference) = schema.remove("$ref")
    {
        schema.insert("allOf".to_owned(), json!([{ "$ref": reference }]));
    }
    transform_subschemas(&mut widely_read, schema);
}

pub(super) fn id() -> Value {
    json!({ "type": "string", "format": "uuid" })
}

pub(super) fn time() -> Value {
    json!({ "type": "string", "format": "date-time" })
}

/// `{"id": …}`
pub(super) fn reference() -> Value {
    object(1, json!({ "id": id() }))
}

/// Links by their relation.
pub(super) fn links(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "Links", |generator| {
        let link = named(generator, "Link", |_| {
            object(1, json!({ "href": { "type": "string" } }))
        });
        json!({
            "type": "object",
            "required": ["self"],
            "properties": { "self": link },
            "additionalProperties": link,
        })
    })
}

/// An object of a kind as it is answered.
struct Shown<R>(PhantomData<R>);

impl<R: Resource> JsonSchema for Shown<R> {
    fn schema_name() -> Cow<'static, str> {
        schema_name(R::KIND).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut members = members_before::<R>(generator);
        let mut schema = inlined::<R>(generator);
        let own = schema.get_mut("properties").map(Value::take);
        if let Some(Value::Object(own)) = own {
            members.extend(own);
        }
        let mut required: Vec<Value> = ["_links", "id", "createdAt", "updatedAt"]
            .map(Value::from)
            .into();
        if R::KIND.scope == Scope::Environment {
            required.push("environment".into());
        }
        if let Some(Value::Array(own)) = schema.get_mut("required").map(Value::take) {
            required.extend(own);
        }
        for member in R::view_members(generator) {
            if member.is_always_there {
                required.push(member.name.into());
            }
            members.insert(member.name.to_owned(), member.schema);
        }
        members.insert("createdAt".to_owned(), time());
        members.insert("updatedAt".to_owned(), time());
        let mut seen = std::collections::HashSet::new();
        required.retain(|name| seen.insert(name.to_string()));
        schema.insert("type".to_owned(), "object".into());
        schema.insert("properties".to_owned(), members.into());
        schema.insert("required".to_owned(), required.into());
        schema
    }
}

/// Those that stand before the object's own.
fn members_before<R: Resource>(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let mut members = Map::new();
    members.insert("_links".to_owned(), links(generator).to_value());
    members.insert("id".to_owned(), id());
    if R::KIND.scope == Scope::Environment {
        members.insert("environment".to_owned(), reference());
    }
    if let Some(owner) = R::KIND.parent {
        members.insert(owner.name.to_owned(), reference());
    }
    members
}

/// The schema itself, and not a mention of it.
fn inlined<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    T::json_schema(generator)
}

pub(crate) fn shown<R: Resource>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Shown<R>>()
}

/// One page of objects.
pub(crate) fn listed<R: Resource>(generator: &mut SchemaGenerator) -> Schema {
    let name = format!("{}List", schema_name(R::KIND));
    let item = shown::<R>(generator);
    page_of(generator, &name, R::KIND.collection, &item)
}

pub(crate) fn page_of(
    generator: &mut SchemaGenerator,
    name: &str,
    collection: &str,
    item: &Schema,
) -> Schema {
    let links = links(generator);
    named(generator, name, |_| {
        let items = json!({ "type": "array", "items": item });
        let embedded = object(1, json!({ collection: items }));
        let number = json!({ "type": "integer", "minimum": 0 });
        object(
            3,
            json!({ "_links": links, "_embedded": embedded, "size": number, "count": number }),
        )
    })
}

/// What clients write of a kind.
struct Written<R>(PhantomData<R>);

impl<R: Resource> JsonSchema for Written<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Draft", schema_name(R::KIND)).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        inlined::<R::Draft>(generator)
    }
}

/// Any part of it (RFC 7396): null takes a member away.
struct Patched<R>(PhantomData<R>);

impl<R: Resource> JsonSchema for Patched<R> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Patch", schema_name(R::KIND)).into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = inlined::<R::Draft>(generator);
        schema.remove("required");
        schema
    }
}

pub(crate) fn written<R: Resource>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Written<R>>()
}

pub(crate) fn patched<R: Resource>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<Patched<R>>()
}

pub(crate) fn sent<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

/// The body of a request that says all by its media type.
pub(super) fn nothing(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "Nothing", |_| json!({ "type": "object" }))
}

/// The platform's envelope of an error.
pub(super) fn error(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "Error", |_| {
        let text = || json!({ "type": "string" });
        let detail = object(
            2,
            json!({
                "code": text(),
                "message": text(),
                "target": { "type": "string", "description": "The member or parameter at fault." },
                "innerError": { "type": "object", "additionalProperties": true },
            }),
        );
        object(
            3,
            json!({
                "id": {
                    "type": "string",
                    "format": "uuid",
                    "description": "The same as the header `Correlation-Id`.",
                },
                "code": text(),
                "message": text(),
                "details": { "type": "array", "items": detail },
                "error": { "type": "string", "description": "OAuth's code, of an authorize request." },
                "error_description": text(),
            }),
        )
    })
}

/// An error as OAuth has it (RFC 6749 §5.2).
pub(super) fn oauth_error(generator: &mut SchemaGenerator) -> Schema {
    named(generator, "OAuthError", |_| {
        object(
            2,
            json!({
                "error": { "type": "string" },
                "error_description": { "type": "string" },
            }),
        )
    })
}
