use super::*;
use crate::Wishes;

const WASM: &[u8] = b"\0asm\x0d\0\x01\0";

fn manifest() -> Manifest {
    let wishes = Wishes {
        functions: vec!["backup.due".into(), "disks.*".into()],
        ungranted: Some("deny".into()),
        limits: BTreeMap::from([("cpu_ms".into(), 500), ("log_bytes".into(), 1)]),
    };
    let version = Some("1.2.0".into());
    Manifest { name: Some("night/ly".into()), version, description: Some("Due?".into()), wishes, ..Manifest::default() }
}

#[test]
fn an_extension_is_one_layer_with_a_config_that_describes_it() {
    let new = extension(WASM, &manifest()).unwrap();
    let found: serde_json::Value = serde_json::from_slice(&new.manifest).unwrap();
    assert_eq!(
        found,
        json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": { "mediaType": "application/vnd.wasm.config.v0+json", "digest": digest_of(&new.config), "size": new.config.len() },
            "layers": [{
                "mediaType": "application/wasm", "digest": digest_of(WASM), "size": 8,
                "annotations": { "org.opencontainers.image.title": "night-ly.wasm" },
            }],
            "annotations": {
                "org.opencontainers.image.title": "night/ly",
                "org.opencontainers.image.version": "1.2.0",
                "org.opencontainers.image.description": "Due?",
                "felhom.agentapi.functions": "backup.due,disks.*",
                "felhom.agentapi.ungranted": "deny",
                "felhom.agentapi.limits": "cpu_ms=500,log_bytes=1",
            },
        })
    );
    let config: serde_json::Value = serde_json::from_slice(&new.config).unwrap();
    let expected = json!({
        "created": "1970-01-01T00:00:00Z", "architecture": "wasm", "os": "wasip2", "layerDigests": [digest_of(WASM)],
        "component": { "exports": [], "imports": [], "target": null },
    });
    assert_eq!(config, expected);
    assert_eq!(extension(WASM, &manifest()).unwrap().manifest, new.manifest, "the same file has the same digest");
    let read = Artifact::parse(&new.manifest).unwrap();
    assert_eq!((read.size, read.wasm_digest), (8, digest_of(WASM)));
    assert_eq!(manifest_of(&read.annotations), manifest());
}

#[test]
fn a_signature_names_what_it_signs() {
    let new = signature("four lines", &Blob { media_type: OCI_IMAGE_MEDIA_TYPE, bytes: b"manifest" });
    let found: serde_json::Value = serde_json::from_slice(&new.manifest).unwrap();
    assert_eq!(found["subject"]["digest"], digest_of(b"manifest"));
    assert_eq!(found["artifactType"], "application/vnd.felhom.agentapi.minisign.v1");
    assert_eq!(layer_of_signature(&new.manifest).unwrap().digest, digest_of(b"four lines"));
    let other = extension(WASM, &manifest()).unwrap().manifest;
    assert!(matches!(layer_of_signature(&other), Err(WrongArtifact::Signature)));
}

#[test]
fn what_is_laid_out_otherwise_is_refused_by_name() {
    let good: serde_json::Value = serde_json::from_slice(&extension(WASM, &manifest()).unwrap().manifest).unwrap();
    let with = |pointer: &str, value: serde_json::Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = value;
        changed
    };
    assert!(Artifact::parse(with("/config/mediaType", json!(OLD_CONFIG)).to_string().as_bytes()).is_ok());
    let layer = &good["layers"][0];
    let index = "application/vnd.oci.image.index.v1+json";
    for (wrong, expected) in [
        (json!("text"), "expected an image manifest, found something else".to_owned()),
        (json!({ "schemaVersion": 2 }), "expected an image manifest, found something else".to_owned()),
        (
            json!({ "schemaVersion": 2, "manifests": [] }),
            format!("expected a manifest of the type application/vnd.oci.image.manifest.v1+json, found {index}"),
        ),
        (
            with("/mediaType", json!(index)),
            format!("expected a manifest of the type application/vnd.oci.image.manifest.v1+json, found {index}"),
        ),
        (
            with("/config/mediaType", json!("application/vnd.oci.image.config.v1+json")),
            "expected a config of the type application/vnd.wasm.config.v0+json, found application/vnd.oci.image.config.v1+json".to_owned(),
        ),
        (with("/layers", json!([layer, layer])), "expected exactly one layer, found 2".to_owned()),
        (with("/layers", json!([])), "expected exactly one layer, found 0".to_owned()),
        (
            with("/layers/0/mediaType", json!("application/vnd.wasm.content.layer.v1+wasm")),
            "expected a layer of the type application/wasm, found application/vnd.wasm.content.layer.v1+wasm".to_owned(),
        ),
        (with("/layers/0/digest", json!("md5:00")), "expected a layer with a digest of SHA-256, found md5:00".to_owned()),
    ] {
        assert_eq!(Artifact::parse(wrong.to_string().as_bytes()).unwrap_err().to_string(), expected, "{wrong}");
    }
}
