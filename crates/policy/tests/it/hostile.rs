//! Policies that mean harm: each ends in a fault with a code, within its budget, and the process lives.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use sluice_policy::{Bundle, FaultCode, Limits, Preference, Sources};

/// What a hostile policy must come to.
enum End {
    /// It does not get in: the code of its first problem.
    Refused(&'static str),
    /// It gets in, and every evaluation is a fault with one of these codes.
    Fault(&'static [FaultCode]),
    /// It is harmless after all.
    Harmless,
}
use End::{Fault, Harmless, Refused};
use FaultCode::{Error, Memory, Steps, Timeout, Undefined};

#[test]
fn hostile_policies_end_in_a_fault_within_their_budget() {
    for (name, text, end) in corpus() {
        for preference in [Preference::Best, Preference::Walker] {
            play(name, &text, &end, preference);
        }
    }
    let bundle = Bundle::parse(Sources::of([("good.rego", "package h\np := 1")])).expect("parses");
    let program = bundle.compile("data.h.p", Limits::DESK).expect("compiles");
    assert_eq!(program.evaluate(&json!({}), 0), Ok(json!(1)), "the process lives and answers");
}

fn play(name: &str, text: &str, end: &End, preference: Preference) {
    let bundle = match (Bundle::parse(Sources::of([("h.rego", text)])), end) {
        (Ok(bundle), _) => bundle,
        (Err(problems), Refused(code)) => {
            assert_eq!(problems[0].code, *code, "{name}: {problems:?}");
            return;
        }
        (Err(problems), _) => panic!("{name} does not parse: {problems:?}"),
    };
    // What is harmless is so without a clock that a busy machine runs out of.
    let limits = if matches!(end, Harmless) { Limits::DESK } else { Limits::GATE };
    let program = match (bundle.compile_for("data.h.p", limits, preference), end) {
        (Ok(program), _) => program,
        (Err(problems), Refused(code)) => {
            assert_eq!(problems[0].code, *code, "{name}: {problems:?}");
            return;
        }
        (Err(problems), _) => panic!("{name} does not compile: {problems:?}"),
    };
    let started = Instant::now();
    let result = program.evaluate(&deep_input(), 0);
    let took = started.elapsed();
    // Fifty milliseconds of budget, and what a busy machine adds to waking up two threads.
    assert!(took < Duration::from_millis(1_000), "{name} took {took:?}");
    match (result, end) {
        (Err(fault), Fault(codes)) => {
            // On a busy machine the clock may speak before any other limit.
            assert!(
                codes.contains(&fault.code) || fault.code == Timeout,
                "{name} ({preference:?}): {fault}"
            )
        }
        (Ok(_), Harmless) => {}
        (result, _) => panic!("{name} ({preference:?}): {result:?}"),
    }
}

/// A number of 65,536 bits, squared so often, and a rule over the last.
fn squared(times: usize, rule: &str) -> String {
    let mut text = "x0 := bits.lsh(1, 65535)\n".to_owned();
    for next in 1..=times {
        let _ = writeln!(text, "x{next} := x{0} * x{0}", next - 1);
    }
    text + "p := " + rule
}

fn deep_input() -> Value {
    (0..100).fold(json!(1), |inner, _| json!([inner]))
}

#[expect(clippy::too_many_lines, reason = "a list, one entry a line")]
fn corpus() -> Vec<(&'static str, String, End)> {
    let p = |body: &str| format!("package h\n{body}\n");
    vec![
        (
            "loop in a loop",
            p(
                "p if { some i in numbers.range(1, 9000); some j in numbers.range(1, 9000); i + j == 0 }",
            ),
            Fault(&[Steps, Memory, Timeout]),
        ),
        (
            "exponential comprehension",
            p(&format!("b := [0, 1]\np := count([1 | {}])", vec!["b[_]"; 30].join("; "))),
            Fault(&[Steps, Memory, Timeout]),
        ),
        ("function without end", p("f(x) := f(x + 1)\np := f(0)"), Refused("rego_recursion_error")),
        ("rules that need each other", p("p if q\nq if p"), Refused("rego_recursion_error")),
        ("recursion over data", p("p := count(data.h)"), Refused("rego_recursion_error")),
        (
            "text that doubles",
            p(&doubling("\"aaaaaaaaaa\"", "concat(\"\", [%, %])", "count(x39)")),
            Fault(&[Memory, Timeout]),
        ),
        (
            "value that doubles on paper",
            p(&doubling("[1]", "[%, %]", "x39")),
            Fault(&[Memory, Timeout]),
        ),
        (
            "text of a value that doubles",
            p(&doubling("[1]", "[%, %]", "json.marshal(x39)")),
            Fault(&[Memory, Timeout]),
        ),
        (
            "walk over a value that doubles",
            p(&doubling("[1]", "[%, %]", "count([v | walk(x22, [_, v])])")),
            Fault(&[Memory, Timeout, Steps]),
        ),
        ("a shift by four billion", p("p := bits.lsh(1, 4000000000)"), Fault(&[Memory])),
        (
            "numbers that square themselves, a thousand times on paper",
            p(&squared(
                5,
                "count(sprintf(concat(\"\", [\"%d\" | some _ in numbers.range(1, 1000)]), [x5 | some _ in numbers.range(1, 1000)]))",
            )),
            Fault(&[Memory]),
        ),
        (
            "numbers that square themselves, as JSON",
            p(&squared(5, "count(json.marshal([x5 | some _ in numbers.range(1, 1000)]))")),
            Fault(&[Memory]),
        ),
        (
            "numbers that square themselves, in base two",
            p(&squared(5, "count(format_int(x5, 2))")),
            Fault(&[Memory]),
        ),
        ("numbers that square themselves, as the answer", p(&squared(5, "x5")), Fault(&[Memory])),
        (
            "a product of a hundred thousand long numbers",
            p("a := bits.lsh(1, 65536)\np := product([a | some _ in numbers.range(1, 10000)])"),
            Fault(&[Memory]),
        ),
        (
            "padding many times",
            p(
                "p := count(sprintf(concat(\"\", [\"%9999d\" | some _ in numbers.range(1, 3000)]), [1 | some _ in numbers.range(1, 3000)]))",
            ),
            Fault(&[Memory]),
        ),
        (
            "JSON with a number of a hundred thousand digits",
            p(
                "p := json.unmarshal(concat(\"\", [\"1234567890\" | some _ in numbers.range(1, 10000)]))",
            ),
            Fault(&[Memory]),
        ),
        (
            "a long text a thousand times in the answer",
            p(
                "a := concat(\"\", [\"aaaaaaaaaa\" | some _ in numbers.range(1, 3000)])\np := [a | some _ in numbers.range(1, 1000)]",
            ),
            Fault(&[Memory]),
        ),
        ("a number of a billion digits", p("p := 1e1000000000 + 1"), Refused("rego_parse_error")),
        (
            "a number of a billion digits as text",
            p("p := to_number(\"1e999999999\")"),
            Fault(&[Memory]),
        ),
        ("units of a billion digits", p("p := units.parse(\"1e999999999\")"), Fault(&[Memory])),
        (
            "JSON with a number of a billion digits",
            p("p := json.unmarshal(\"1e999999999\")"),
            Fault(&[Memory]),
        ),
        (
            "padding of four gigabytes",
            p("p := count(sprintf(\"%4000000000d\", [1]))"),
            Fault(&[Memory]),
        ),
        ("a range of a billion", p("p := count(numbers.range(1, 1000000000))"), Fault(&[Memory])),
        (
            "all addresses there are",
            p("p := count(net.cidr_expand(\"0.0.0.0/0\"))"),
            Fault(&[Memory]),
        ),
        (
            "all addresses of the newer kind",
            p("p := count(net.cidr_expand(\"::/0\"))"),
            Fault(&[Memory]),
        ),
        (
            "a regular expression that grows",
            p("p := regex.match(\"((a{1,1000}){1,1000}){1,1000}\", \"aaaa\")"),
            Fault(&[Memory, Error, Undefined]),
        ),
        (
            "a regular expression that backtracks",
            p(&format!("p := regex.match(\"(x+x+)+y\", \"{}\")", "x".repeat(500))),
            Harmless,
        ),
        (
            "a glob of stars",
            p(&format!("p := glob.match(\"{}c\", [], \"{}\")", "*a".repeat(8), "a".repeat(100))),
            Harmless,
        ),
        (
            "replacing by something long",
            p(&format!(
                "s := \"{0}\"\nt := replace(s, \"a\", s)\np := count(replace(t, \"a\", t))",
                "a".repeat(900)
            )),
            Fault(&[Memory, Timeout]),
        ),
        ("division by nothing", p("p := 1 / 0"), Fault(&[Undefined])),
        ("two values of one rule", p("p := 1 if true\np := 2 if true"), Fault(&[Error])),
        ("no value", p("p if input.nothing"), Fault(&[Undefined])),
        ("the clock", p("p := time.now_ns()"), Harmless),
        (
            "the network",
            p("p := http.send({\"method\": \"get\", \"url\": \"http://localhost\"})"),
            Refused("refused_builtin"),
        ),
        ("chance", p("p := rand.intn(\"x\", 5)"), Refused("refused_builtin")),
        ("the process", p("p := opa.runtime()"), Refused("refused_builtin")),
        (
            "a hundred thousand brackets",
            p(&format!("p := {}1{}", "[".repeat(100_000), "]".repeat(100_000))),
            Refused("too_deep"),
        ),
        (
            "brackets over many lines",
            p(&format!("p := {}1{}", "[\n".repeat(1_000), "]\n".repeat(1_000))),
            Refused("too_deep"),
        ),
        ("an endless sum", p(&format!("p := 1{}", "\n + 1".repeat(19_000))), Refused("too_deep")),
        ("a long sum", p(&format!("p := 1{}", "\n + 1".repeat(1_500))), Harmless),
        (
            "a long reference",
            p(&format!("p := input{}", ".a".repeat(400))),
            Fault(&[Undefined, Error]),
        ),
        (
            "many else",
            p(&format!("p := 1 if input.x{}", "\nelse := 2 if input.y".repeat(5_000))),
            Fault(&[Undefined, Timeout]),
        ),
        (
            "too large",
            format!("package h\np := 1\n# {}", "x".repeat(300_000)),
            Refused("too_large"),
        ),
        ("the older language", "package h\np { true }\n".to_owned(), Refused("rego_parse_error")),
        ("a long chain of rules", p(&chain(3_000)), Fault(&[Memory, Timeout, Steps, Error])),
        (
            "deep JSON",
            p("p := json.unmarshal(concat(\"\", [\"[\" | some _ in numbers.range(1, 5000)]))"),
            Fault(&[Memory]),
        ),
        ("many paths", p(&graph(24)), Fault(&[Memory, Timeout, Steps])),
    ]
}

fn doubling(first: &str, step: &str, last: &str) -> String {
    let mut text = format!("x0 := {first}\n");
    for index in 1..40 {
        let _ = writeln!(text, "x{index} := {}", step.replace('%', &format!("x{}", index - 1)));
    }
    let _ = writeln!(text, "p := {last}");
    text
}

fn chain(length: usize) -> String {
    let mut text = "r0 := 1\n".to_owned();
    for index in 1..length {
        let _ = writeln!(text, "r{index} := [r{}]", index - 1);
    }
    let _ = writeln!(text, "p := r{}", length - 1);
    text
}

fn graph(layers: usize) -> String {
    let mut text = "g := {\n".to_owned();
    for layer in 0..layers {
        let next = layer + 1;
        let _ = writeln!(
            text,
            "\"a{layer}\": [\"a{next}\", \"b{next}\"], \"b{layer}\": [\"a{next}\", \"b{next}\"],"
        );
    }
    let _ = writeln!(
        text,
        "\"a{layers}\": [], \"b{layers}\": []\n}}\np := count(graph.reachable_paths(g, [\"a0\"]))"
    );
    text
}
