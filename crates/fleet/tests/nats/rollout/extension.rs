//! Extensions in text, signed by an author.

use agentapi_fleet::bundle::Bundle;
use agentapi_registry::sign::{NewKey, SecretKey};

pub(crate) struct Author {
    secret: SecretKey,
    /// As it stands in a configuration.
    pub(crate) public: String,
}

/// What an extension does.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Good,
    /// It returns an error.
    Fails,
}

impl Author {
    pub(crate) fn new() -> Self {
        let key = NewKey::generate(None).unwrap();
        let public = key.public.lines().last().unwrap().to_owned();
        Self { secret: SecretKey::open(&key.secret, None).unwrap(), public }
    }

    pub(crate) fn sign(&self, wasm: Vec<u8>) -> Bundle {
        let signature = self.secret.sign(&wasm, "an extension of a test").unwrap();
        Bundle { wasm, signature }
    }

    pub(crate) fn bundle(&self, version: u32, kind: Kind) -> Bundle {
        let is_error = matches!(kind, Kind::Fails);
        let text = format!(
            r#"(component
  (@custom "version" "{version}")
  (core module $m
    (memory (export "memory") 1)
    (data (i32.const 64) "{{}}")
    (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
    (func (export "run") (param i32 i32) (result i32)
      (i32.store8 (i32.const 16) (i32.const {}))
      (i32.store (i32.const 20) (i32.const 64))
      (i32.store (i32.const 24) (i32.const 2))
      i32.const 16))
  (core instance $i (instantiate $m))
  (func $run (param "input" string) (result (result string (error string)))
    (canon lift (core func $i "run") (memory $i "memory") (realloc (func $i "realloc"))))
  (instance $policy (export "run" (func $run)))
  (export "felhom:agentapi/policy@0.2.1" (instance $policy)))"#,
            u8::from(is_error),
        );
        self.sign(wat::parse_str(text).unwrap())
    }
}
