//! The API's description (OpenAPI 3.1), made from the table of routes and kept in `docs/openapi.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Paths, Ref, RefOr,
    Required, ResponseBuilder,
};
use utoipa::{PartialSchema, ToSchema};

use crate::api::access::Access;
use crate::api::problem::{PROBLEM_JSON, Problem};
use crate::api::{Row, keys, table};

/// The document as it is served, and as `docs/openapi.json` has it.
pub(super) fn text() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        // A document of texts and lists has a JSON text.
        let json = serde_json::to_string_pretty(&document()).unwrap_or_default();
        format!("{json}\n")
    });
    &TEXT
}

fn document() -> OpenApi {
    let mut schemas = BTreeMap::from([(Problem::name().into_owned(), Problem::schema())]);
    let mut used = Vec::new();
    Problem::schemas(&mut used);
    let mut paths = Paths::new();
    for Row { access, routes: (of_row, paths_of_row, _), .. } in table() {
        used.extend(of_row);
        for (path, mut item) in paths_of_row.paths {
            operations(&mut item).for_each(|operation| complete(operation, access));
            paths.paths.insert(path, item);
        }
    }
    schemas.extend(used);
    schemas.iter_mut().for_each(|(name, schema)| require_all(name, schema));
    let info = InfoBuilder::new()
        .title("agentapi controller")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(DESCRIPTION))
        .license(Some(LicenseBuilder::new().name("MIT OR Apache-2.0").identifier(Some("MIT OR Apache-2.0")).build()));
    OpenApiBuilder::new()
        .info(info.build())
        .paths(paths)
        .components(Some(ComponentsBuilder::new().schemas_from_iter(schemas).build()))
        .build()
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [item.get.as_mut(), item.post.as_mut()].into_iter().flatten()
}

/// What all operations have: who may ask, the idempotency key of those that act, and the problem.
fn complete(operation: &mut Operation, access: Access) {
    let who = match access {
        Access::Open | Access::Read => "Both sockets.",
        Access::Operate => "The main socket.",
        Access::Decide => "The main socket; root, the controller's user and the approvers.",
    };
    let described = operation.description.take().filter(|text| !text.is_empty());
    operation.description = Some(described.map_or_else(|| who.to_owned(), |text| format!("{text}\n\n{who}")));
    if access >= Access::Operate {
        let is_required = operation.operation_id.as_deref() == Some("start_backup");
        operation.parameters.get_or_insert_default().push(RefOr::T(key_parameter(is_required)));
    }
    for response in operation.responses.responses.values_mut() {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = "See the schema.".into();
        }
    }
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(Problem::name())));
    let problem = ResponseBuilder::new()
        .description("What is wrong: `kind` says which of the problems it is.")
        .content(PROBLEM_JSON, content.build());
    operation.responses.responses.insert("default".into(), problem.build().into());
}

fn key_parameter(is_required: bool) -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(keys::MAX_KEY_BYTES))
        .pattern(Some("^[!-~]+$"));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(if is_required { Required::True } else { Required::False })
        .description(Some(
            "A text of the sender's own, such as a UUID. The request is acted on once, however often it is sent with this key: \
             sent again it gets the same answer, also after a restart; kind `in-progress` while it is worked on, \
             `outcome-unknown` if the controller ended meanwhile, and `key-reused` if it is another request. Keys are known for \
             a day, up to 10000 of them, and the latest 1000 for longer.",
        ))
        .schema(Some(schema.build()))
        .build()
}

/// serde writes every field of an answer, those that are none too, which utoipa would call optional.
fn require_all(name: &str, schema: &mut RefOr<Schema>) {
    let object = match schema {
        RefOr::T(Schema::Object(object)) => object,
        RefOr::T(Schema::OneOf(cases)) => return cases.items.iter_mut().for_each(|case| require_all(name, case)),
        RefOr::T(Schema::AllOf(parts)) => return parts.items.iter_mut().for_each(|part| require_all(name, part)),
        _ => return,
    };
    if REQUESTS.contains(&name) {
        return;
    }
    object.default = None;
    object.properties.values_mut().for_each(remove_default);
    let is_always_there = |field: &&String| !OPTIONAL.contains(&(name, field.as_str()));
    object.required = object.properties.keys().filter(is_always_there).cloned().collect();
}

/// A default is for whoever reads what an agent wrote; nothing of an answer is missing.
fn remove_default(schema: &mut RefOr<Schema>) {
    match schema {
        RefOr::T(Schema::Object(object)) => object.default = None,
        RefOr::T(Schema::Array(array)) => array.default = None,
        RefOr::T(Schema::OneOf(cases)) => cases.default = None,
        RefOr::Ref(reference) => reference.default = None,
        RefOr::T(_) => {}
    }
}

/// What clients write: a field with a default may be missing.
const REQUESTS: [&str; 5] = ["ApproveBody", "AssignBody", "EjectBody", "FormatBody", "RefuseBody"];
/// The fields that are left out where there is nothing to say.
const OPTIONAL: [(&str, &str); 3] = [("Event", "run"), ("Problem", "agent_status"), ("Problem", "value")];
const DESCRIPTION: &str = "\
The controller of one guest, over two local Unix sockets (HTTP/1.1): `/run/agentapi/agentapi.sock` reads and operates, \
`/run/agentapi/agentapi-ro.sock` reads. Who asks is known by the socket's peer credentials; there is no token.

- **Errors** are problem JSON (RFC 9457); `kind` says what is wrong, and `ProblemKind` lists the kinds.
- **Lists** that can grow have `limit` (1 to 1000, 100 without it) and `cursor`: the answer's `cursor` leads to the next page.
- **What acts** takes an `Idempotency-Key`, and is then done once, however often it is sent.
- **Times** are RFC 3339 in UTC. Names that end in `_s`, `_ms` and `_bytes` have those units. Fields may be added.
- `/v1/agent` has the operations of `agentapi call`, with its names and values.
- While the state lies on a disk that is frozen for a backup, what is read from it is refused with kind `frozen`; liveness, \
readiness, status, findings, metrics and the agent's operations answer.";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{OPTIONAL, REQUESTS, document, text};
    use crate::api::problem::ProblemKind;

    #[test]
    fn the_document_in_docs_is_the_one_that_is_served() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        let kept = std::fs::read_to_string(file).unwrap_or_default();
        let write = "cargo run -p agentapi-controller --example openapi > docs/openapi.json";
        assert!(kept == text(), "docs/openapi.json is not what the code gives; write it with: {write}");
    }

    #[test]
    fn every_operation_has_an_id_of_its_own_a_summary_and_the_problem() {
        let mut ids = BTreeSet::new();
        for (path, mut item) in document().paths.paths {
            for operation in super::operations(&mut item) {
                assert!(ids.insert(operation.operation_id.clone().unwrap()), "{path}");
                assert!(operation.summary.as_ref().is_some_and(|summary| !summary.is_empty()), "{path}");
                assert!(operation.responses.responses.contains_key("default"), "{path}");
            }
        }
    }

    #[test]
    fn every_kind_of_problem_is_documented_and_the_exceptions_are_of_schemas_that_exist() {
        for kind in ProblemKind::ALL {
            assert!(text().contains(&format!("| `{}` | {} |", kind.name(), kind.status().as_u16())), "{kind:?}");
        }
        let schemas = document().components.unwrap().schemas;
        let named = REQUESTS.into_iter().chain(OPTIONAL.map(|(name, _)| name));
        named.for_each(|name| assert!(schemas.contains_key(name), "{name}"));
    }
}
