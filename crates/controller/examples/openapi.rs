//! Prints the description of the API: `cargo run -p agentapi-controller --example openapi > docs/openapi.json`.

fn main() {
    print!("{}", agentapi_controller::api::openapi());
}
