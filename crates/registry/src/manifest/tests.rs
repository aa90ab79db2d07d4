use wasm_encoder::{Component, ComponentImportSection, ComponentTypeRef, ComponentTypeSection, Module, ModuleSection};

use super::*;

/// A component that imports an instance, with a module in it that says what does not count.
fn component() -> Vec<u8> {
    let mut module = Module::new();
    module.section(&CustomSection { name: "version".into(), data: b"of a library".into() });
    module.section(&CustomSection { name: SECTION.into(), data: b"no TOML".into() });
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&wasm_encoder::InstanceType::new());
    component.section(&types);
    let mut imports = ComponentImportSection::new();
    imports.import("felhom:agentapi/backup@0.2.0", ComponentTypeRef::Instance(0));
    component.section(&imports);
    component.section(&ModuleSection(&module));
    component.section(&CustomSection { name: "producers-of-ours".into(), data: vec![0xff; 300].into() });
    component.finish()
}

fn manifest() -> Manifest {
    let limits = BTreeMap::from([("cpu_ms".to_owned(), 500), ("log_bytes".to_owned(), 0)]);
    let functions = vec!["backup.due".to_owned(), "disks.*".to_owned()];
    Manifest {
        name: Some("nightly".into()),
        version: Some("1.2.0".into()),
        description: Some("Says whether a backup is due.".into()),
        licenses: Some("MIT OR Apache-2.0".into()),
        authors: Some("Ada <ada@example.org>".into()),
        homepage: Some("https://example.org/nightly".into()),
        source: Some("https://example.org/nightly.git".into()),
        revision: Some("4f1e".into()),
        wishes: Wishes { functions, ungranted: Some("deny".into()), limits },
    }
}

#[test]
fn what_is_put_in_is_read_back_and_the_rest_stays_as_it_was() {
    let wasm = component();
    assert_eq!(manifest_of(&wasm).unwrap(), Manifest::default(), "what is nested says nothing of the whole");
    let with = embed(&wasm, &manifest()).unwrap();
    assert_eq!(manifest_of(&with).unwrap(), manifest());
    assert_eq!(&with[..wasm.len()], wasm.as_slice());
    assert_eq!(interfaces_of(&with).unwrap().imports, ["felhom:agentapi/backup@0.2.0"]);
    assert_eq!(embed(&with, &manifest()).unwrap(), with, "the same again changes nothing");
}

#[test]
fn what_was_said_before_is_replaced_field_by_field() {
    let before = embed(&component(), &manifest()).unwrap();
    let other = Manifest { name: Some("other".into()), version: Some("2".into()), ..Manifest::default() };
    let after = embed(&before, &other).unwrap();
    assert_eq!(manifest_of(&after).unwrap(), other);
    let of_version = |wasm: &[u8]| {
        let custom =
            sections(wasm).unwrap().into_iter().filter_map(|section| section.custom.map(|(name, _)| name.to_owned()));
        custom.filter(|name| name == "version" || name == "component-name").count()
    };
    assert_eq!(of_version(&after), 2, "one of each");
    let nameless = embed(&after, &Manifest::default()).unwrap();
    assert_eq!(manifest_of(&nameless).unwrap(), Manifest { name: Some("other".into()), ..Manifest::default() });
}

#[test]
fn the_tools_of_others_read_it() {
    let wasm = embed(&component(), &manifest()).unwrap();
    let payload = wasm_metadata::Payload::from_binary(&wasm).unwrap();
    let found = payload.metadata();
    let text = |text: Option<&dyn ToString>| text.map(ToString::to_string);
    let given = manifest();
    assert_eq!(found.name, given.name);
    assert_eq!(text(found.version.as_ref().map(|v| v as &dyn ToString)), given.version);
    assert_eq!(text(found.description.as_ref().map(|v| v as &dyn ToString)), given.description);
    assert_eq!(text(found.licenses.as_ref().map(|v| v as &dyn ToString)), given.licenses);
    assert_eq!(text(found.authors.as_ref().map(|v| v as &dyn ToString)), given.authors);
    assert_eq!(text(found.homepage.as_ref().map(|v| v as &dyn ToString)), given.homepage);
    assert_eq!(text(found.source.as_ref().map(|v| v as &dyn ToString)), given.source);
    assert_eq!(text(found.revision.as_ref().map(|v| v as &dyn ToString)), given.revision);
    // And what they write is read here, with the names that are for debugging kept.
    let mut add = AddMetadata::default();
    add.name = AddMetadataField::Set("theirs".to_owned());
    add.version = AddMetadataField::Set(wasm_metadata::Version::new("3".to_owned()));
    let theirs = manifest_of(&add.to_wasm(&component()).unwrap()).unwrap();
    assert_eq!((theirs.name.as_deref(), theirs.version.as_deref()), (Some("theirs"), Some("3")));
}

#[test]
fn the_section_is_a_grants_file() {
    let wasm = embed(&component(), &manifest()).unwrap();
    let custom = sections(&wasm).unwrap().into_iter().filter_map(|section| section.custom);
    let [text] = custom.filter(|(name, _)| *name == SECTION).map(|(_, data)| data).collect::<Vec<_>>()[..] else {
        panic!()
    };
    let expected =
        "functions = [\"backup.due\", \"disks.*\"]\nungranted = \"deny\"\n\n[limits]\ncpu_ms = 500\nlog_bytes = 0\n";
    assert_eq!(std::str::from_utf8(text).unwrap(), expected);
}

fn with_section(name: &str, data: &[u8]) -> Vec<u8> {
    let mut wasm = component();
    CustomSection { name: name.into(), data: data.into() }.append_to_component(&mut wasm);
    wasm
}

#[test]
fn what_a_later_version_says_besides_is_passed_over() {
    let later = with_section(SECTION, b"functions = [\"a.b\"]\nstate = true\n");
    assert_eq!(manifest_of(&later).unwrap().wishes.functions, ["a.b"]);
}

#[test]
fn what_is_no_component_or_says_nonsense_is_refused_by_name() {
    let module = Module::new().finish();
    for (wasm, expected) in [
        (b"text".to_vec(), "expected a WebAssembly component, found something else"),
        (Vec::new(), "expected a WebAssembly component, found something else"),
        (module, "expected a WebAssembly component, found a core module"),
        (component()[..40].to_vec(), "expected a WebAssembly component, found something else"),
        (with_section("description", &[0xff]), "section description: expected text in UTF-8, found other bytes"),
        (with_section(SECTION, &[0xff]), "section felhom:agentapi/manifest: expected text in UTF-8, found other bytes"),
        (
            with_section(SECTION, b"functions = 1"),
            "section felhom:agentapi/manifest: expected the keys functions, ungranted and limits, found: invalid type: integer `1`, expected a sequence",
        ),
    ] {
        assert_eq!(manifest_of(&wasm).unwrap_err().to_string(), expected);
    }
    for name in ["", "two words", "name=x", &"x".repeat(129), "ü"] {
        let wrong = Manifest { name: Some(name.to_owned()), ..Manifest::default() };
        let error = embed(&component(), &wrong).unwrap_err().to_string();
        assert!(error.starts_with("name: expected 1 to 128 letters, digits"), "{error}");
    }
    assert!(matches!(embed(b"text", &Manifest::default()), Err(ManifestError::NotWasm(_))));
}
