//! Small components that are costly to load. Written byte by byte: a tool that writes components would refuse most of them.

const MODULE: &[u8] = b"\0asm\x01\0\0\0";
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

/// A name, and what makes the bytes.
type Bomb = (&'static str, fn() -> Vec<u8>);

pub(super) const BOMBS: [Bomb; 20] = [
    ("component types, nested 5000 deep", || nested_component_types(5000)),
    ("component types, nested 40,000 deep", || nested_component_types(40_000)),
    ("components, nested 20,000 deep", nested_components),
    ("a million nested blocks", nested_blocks),
    ("a million empty functions", empty_functions),
    ("a million function types", function_types),
    ("200,000 imports", imports),
    ("200,000 exports", exports),
    ("lists of lists, 20,000 deep", nested_lists),
    ("pairs of pairs, 64 deep", nested_pairs),
    ("bytes far apart in memory", far_data),
    ("100,000 segments of data", many_segments),
    ("tables of 3 million branches", branch_tables),
    ("20,000 functions with 50,000 locals", locals),
    ("500 names of 100,000 bytes", long_names),
    ("1000 core modules", core_modules),
    ("instances of instances, ten to the tenth", instances),
    ("200,000 lowered functions", lowered_functions),
    ("an expression of 3 MB", long_expression),
    ("20,000 loops with 1000 parameters", wide_loops),
];

fn leb(mut n: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (n & 0x7f) as u8;
        n >>= 7;
        if n == 0 {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn section(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number], &*leb(content.len()), content].concat()
}

/// A section with this many items.
fn items(number: u8, count: usize, item: impl Fn(usize) -> Vec<u8>) -> Vec<u8> {
    let items: Vec<u8> = (0..count).flat_map(item).collect();
    section(number, &[leb(count), items].concat())
}

fn name(text: &str) -> Vec<u8> {
    [&*leb(text.len()), text.as_bytes()].concat()
}

fn module(sections: &[Vec<u8>]) -> Vec<u8> {
    [MODULE, &sections.concat()].concat()
}

fn component(sections: &[Vec<u8>]) -> Vec<u8> {
    [COMPONENT, &sections.concat()].concat()
}

/// A component with one core module.
fn of_module(sections: &[Vec<u8>]) -> Vec<u8> {
    component(&[section(1, &module(sections))])
}

fn no_parameters() -> Vec<u8> {
    section(1, b"\x01\x60\0\0")
}

/// A component with one core module, of so many functions with this body, which begins with its locals.
fn of_functions(count: usize, body: &[u8]) -> Vec<u8> {
    let body = [leb(body.len()), body.to_vec()].concat();
    of_module(&[no_parameters(), items(3, count, |_| vec![0]), items(10, count, |_| body.clone())])
}

fn nested_component_types(depth: usize) -> Vec<u8> {
    let kind = [b"\x41\x01\x01".repeat(depth), b"\x41\0".to_vec()].concat();
    component(&[section(7, &[b"\x01", &*kind].concat())])
}

fn nested_components() -> Vec<u8> {
    (0..20_000).fold(COMPONENT.to_vec(), |inner, _| component(&[section(4, &inner)]))
}

fn nested_blocks() -> Vec<u8> {
    of_functions(1, &[b"\0", &*b"\x02\x40".repeat(1_000_000), &b"\x0b".repeat(1_000_001)].concat())
}

fn empty_functions() -> Vec<u8> {
    of_functions(1_000_000, b"\0\x0b")
}

fn function_types() -> Vec<u8> {
    of_module(&[items(1, 1_000_000, |_| b"\x60\0\0".to_vec())])
}

fn imports() -> Vec<u8> {
    let import = |number: usize| [name("m"), name(&format!("f{number}")), vec![0, 0]].concat();
    of_module(&[no_parameters(), items(2, 200_000, import)])
}

fn exports() -> Vec<u8> {
    let export = |number: usize| [name(&format!("e{number}")), vec![0, 0]].concat();
    let function = [items(3, 1, |_| vec![0]), items(7, 200_000, export), items(10, 1, |_| b"\x02\0\x0b".to_vec())];
    of_module(&[no_parameters(), function.concat()])
}

fn nested_lists() -> Vec<u8> {
    let of_the_one_before = |number: usize| match number {
        0 => b"\x70\x73".to_vec(),
        _ => [vec![0x70], signed_leb(number as i64 - 1)].concat(),
    };
    component(&[items(7, 20_000, of_the_one_before)])
}

fn nested_pairs() -> Vec<u8> {
    let of_two_before = |number: usize| match number {
        0 => b"\x6f\x02\x73\x73".to_vec(),
        _ => [b"\x6f\x02".to_vec(), signed_leb(number as i64 - 1), signed_leb(number as i64 - 1)].concat(),
    };
    component(&[items(7, 64, of_two_before)])
}

/// A segment of one byte, at this place of the memory.
fn segment(at: i64) -> Vec<u8> {
    [b"\0\x41".to_vec(), signed_leb(at), b"\x0b\x01\x01".to_vec()].concat()
}

fn signed_leb(mut n: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (n & 0x7f) as u8;
        n >>= 7;
        if (n == 0 && low & 0x40 == 0) || (n == -1 && low & 0x40 != 0) {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

fn memory_of_4_gib() -> Vec<u8> {
    section(5, &[vec![1, 0], leb(65_536)].concat())
}

fn far_data() -> Vec<u8> {
    let at = |number| if number == 0 { segment(0) } else { segment(-1) };
    of_module(&[memory_of_4_gib(), items(11, 2, at)])
}

fn many_segments() -> Vec<u8> {
    of_module(&[memory_of_4_gib(), items(11, 100_000, |number| segment(number as i64 * 20_000))])
}

fn branch_tables() -> Vec<u8> {
    let table = [b"\x41\0\x0e".to_vec(), leb(60_000), vec![0; 60_001]].concat();
    // After each table the rest of its block is not reachable, and so each has a block of its own.
    let block = [b"\x02\x40".to_vec(), table, b"\x0b".to_vec()].concat();
    of_functions(1, &[b"\0".to_vec(), block.repeat(50), b"\x0b".to_vec()].concat())
}

pub(super) fn locals() -> Vec<u8> {
    of_functions(20_000, &[b"\x01".to_vec(), leb(50_000), b"\x7e\x0b".to_vec()].concat())
}

fn long_names() -> Vec<u8> {
    let export = |number: usize| [name(&format!("{}{number}", "x".repeat(99_990))), vec![0, 0]].concat();
    let function = [items(3, 1, |_| vec![0]), items(7, 500, export), items(10, 1, |_| b"\x02\0\x0b".to_vec())];
    of_module(&[no_parameters(), function.concat()])
}

fn core_modules() -> Vec<u8> {
    let module = module(&[no_parameters(), items(3, 100, |_| vec![0]), items(10, 100, |_| b"\x02\0\x0b".to_vec())]);
    component(&[section(1, &module).repeat(1000)])
}

/// A component that makes ten instances of a component that makes ten instances of one, and so on.
fn instances() -> Vec<u8> {
    let core = [section(1, &module(&[])), items(2, 10, |_| b"\0\0\0".to_vec())].concat();
    (0..10).fold(component(&[core]), |inner, _| component(&[section(4, &inner), items(5, 10, |_| b"\0\0\0".to_vec())]))
}

fn lowered_functions() -> Vec<u8> {
    let function_type = section(7, b"\x01\x40\0\x01\0");
    let import = section(10, &[b"\x01\0".to_vec(), name("f"), b"\x01\0".to_vec()].concat());
    component(&[function_type, import, items(8, 200_000, |_| b"\x01\0\0\0".to_vec())])
}

fn long_expression() -> Vec<u8> {
    let operation = b"\x20\0\x6c\x41\x03\x6a";
    let body = [b"\x01\x01\x7f\x20\0".to_vec(), operation.repeat(500_000), b"\x1a\x0b".to_vec()].concat();
    of_functions(1, &body)
}

fn wide_loops() -> Vec<u8> {
    let many = [leb(1000), vec![0x7f; 1000]].concat();
    let types = section(1, &[b"\x02\x60\0\0\x60".to_vec(), many.clone(), many].concat());
    let body = [b"\0".to_vec(), b"\x41\0".repeat(1000), b"\x03\x01".repeat(20_000), b"\x0b".repeat(20_000)].concat();
    let body = [body, b"\x1a".repeat(1000), b"\x0b".to_vec()].concat();
    let code = section(10, &[b"\x01".to_vec(), leb(body.len()), body].concat());
    of_module(&[types, items(3, 1, |_| vec![0]), code])
}
