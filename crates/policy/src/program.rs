//! A bundle made ready to answer one entrypoint, many times.
//!
//! The register machine answers where it can be trusted to agree with the tree walker; bundles with
//! constructs that it reads differently are walked. Both are under the same limits, on a worker.

use std::cell::RefCell;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use regorus::languages::rego::compiler::Compiler;
use regorus::rvm::program::Program as Code;
use regorus::rvm::vm::{ExecutionMode, ExecutionState, RegoVM, VmError};
use regorus::utils::limits::ExecutionTimerConfig;
use regorus::{CompiledPolicy, Engine, MemoryBudgetConfig, Rc, Value};

use crate::builtins::{self, NOW};
use crate::bundle::{Bundle, lost_message};
use crate::fault::{Fault, FaultCode};
use crate::limits::Limits;
use crate::memory::Backstop;
use crate::problem::Problem;
use crate::worker::{self, Lost};
use crate::{json, plain};

/// A bundle compiled for one entrypoint. Cheap to clone, to be shared between threads.
#[derive(Clone)]
pub struct Program {
    inner: Arc<Inner>,
}

struct Inner {
    id: u64,
    entrypoint: String,
    data: Value,
    limits: Limits,
    way: Way,
    place: Place,
    answered: AtomicBool,
}

/// Where a program runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// On a thread that can be left behind: the engine keeps to its limits between instructions, and one instruction
    /// of a stranger's policy may take as long as it likes.
    Worker,
    /// On the thread that asks, which saves waking two others up. For texts of which each instruction is known to be
    /// short: what is shipped, and what is compiled from guardrails whose conditions are phrases.
    Here,
}

struct Way {
    machine: Option<(CompiledPolicy, Arc<Code>)>,
    walker: Engine,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Program")
            .field("entrypoint", &self.inner.entrypoint)
            .field("machine", &self.runs_on_machine())
            .finish()
    }
}

/// Which engine is to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preference {
    /// The machine where it is known to agree with the tree walker.
    #[default]
    Best,
    /// The machine, or a problem.
    Machine,
    /// The tree walker.
    Walker,
}

impl Bundle {
    /// Makes the bundle ready to answer `entrypoint`, such as `data.sluice.gate.verdict`.
    ///
    /// # Errors
    ///
    /// Problems where the entrypoint does not exist or the rules do not compile.
    pub fn compile(&self, entrypoint: &str, limits: Limits) -> Result<Program, Vec<Problem>> {
        self.compile_for(entrypoint, limits, Preference::Best)
    }

    /// As [`Bundle::compile`], by a chosen engine.
    ///
    /// # Errors
    ///
    /// As there; and where the chosen engine cannot run it.
    pub fn compile_for(
        &self,
        entrypoint: &str,
        limits: Limits,
        preference: Preference,
    ) -> Result<Program, Vec<Problem>> {
        self.compile_at(entrypoint, limits, preference, Place::Worker)
    }

    /// As [`Bundle::compile_for`], to run at a place.
    pub(crate) fn compile_at(
        &self,
        entrypoint: &str,
        limits: Limits,
        preference: Preference,
        place: Place,
    ) -> Result<Program, Vec<Problem>> {
        let bundle = self.clone();
        let name = entrypoint.to_owned();
        let job = move || build(&bundle, &name, limits, preference, place);
        match worker::run(worker::For::Desk, Limits::COMPILE.wall, job) {
            Ok(result) => result.map_err(|error| {
                vec![Problem::from_engine("policy", "rego_compile_error", &error)]
            }),
            Err(lost) => Err(vec![Problem::of_file(
                "policy",
                "rego_compile_error",
                lost_message(&lost),
                "simplify it",
            )]),
        }
    }
}

fn build(
    bundle: &Bundle,
    entrypoint: &str,
    limits: Limits,
    preference: Preference,
    place: Place,
) -> anyhow::Result<Program> {
    static IDS: AtomicU64 = AtomicU64::new(1);
    let _memory = Backstop::raise(Limits::COMPILE.memory_bytes);
    let mut engine = bundle.engine(false)?;
    let name: Rc<str> = entrypoint.into();
    let compiled = engine.compile_with_entrypoint(&name)?;
    let data = match &bundle.sources().data {
        data @ serde_json::Value::Object(_) => json::read(data),
        _ => Value::new_object(),
    };
    let machine = || -> anyhow::Result<(CompiledPolicy, Arc<Code>)> {
        let awaited: Vec<(&str, usize)> = builtins::table()
            .map(|(name, arity, _)| (*name, usize::from(*arity)))
            .chain(std::iter::once((NOW, 0)))
            .collect();
        let code =
            Compiler::compile_from_policy_with_host_await(&compiled, &[entrypoint], &awaited)
                .map_err(|error| anyhow::anyhow!("{error}"))?;
        Ok((compiled.clone(), code))
    };
    let machine = match preference {
        Preference::Machine => Some(machine()?),
        // What the machine cannot run is walked.
        Preference::Best if plain::is_plain(bundle) => machine().ok(),
        Preference::Best | Preference::Walker => None,
    };
    let way = Way { machine, walker: engine };
    let id = IDS.fetch_add(1, Ordering::Relaxed);
    Ok(Program {
        inner: Arc::new(Inner {
            id,
            entrypoint: entrypoint.to_owned(),
            data,
            limits,
            way,
            place,
            answered: AtomicBool::new(false),
        }),
    })
}

impl Program {
    /// Whether the register machine answers, and not the tree walker.
    pub fn runs_on_machine(&self) -> bool {
        self.inner.way.machine.is_some()
    }

    /// Answers the entrypoint for `input` at the moment `now_ns` (nanoseconds since 1970, what
    /// `time.now_ns` gives). Blocks.
    ///
    /// A program that has answered before and now runs out of time is asked once more: most likely
    /// the processor was busy elsewhere. So the longest wait is twice the wall-clock limit.
    ///
    /// # Errors
    ///
    /// A fault where there is no value within the limits; the process lives on in any case.
    pub fn evaluate(
        &self,
        input: &serde_json::Value,
        now_ns: i64,
    ) -> Result<serde_json::Value, Fault> {
        self.evaluate_value(&json::read(input), now_ns)
    }

    /// As [`Program::evaluate`], of a value of the engine's own.
    pub(crate) fn evaluate_value(
        &self,
        input: &Value,
        now_ns: i64,
    ) -> Result<serde_json::Value, Fault> {
        let answer = match self.ask(input, now_ns) {
            Err(fault)
                if fault.code == FaultCode::Timeout
                    && self.inner.answered.load(Ordering::Relaxed) =>
            {
                self.ask(input, now_ns)
            }
            answer => answer,
        };
        if answer.is_ok() {
            self.inner.answered.store(true, Ordering::Relaxed);
        }
        answer
    }

    fn ask(&self, input: &Value, now_ns: i64) -> Result<serde_json::Value, Fault> {
        if self.inner.place == Place::Here
            && let Some(answer) = self.answer_here(input, now_ns)
        {
            return answer;
        }
        let wall = self.inner.limits.wall;
        let (program, input) = (self.clone(), input.clone());
        match worker::run(worker::For::Gate, wall, move || program.answer_on_worker(input, now_ns))
        {
            Ok(result) => result,
            Err(lost) => Err(lost_fault(lost, wall)),
        }
    }

    /// The machine's answer, on this thread; `None` where it has to be walked, which wants a worker's deep stack.
    fn answer_here(&self, input: &Value, now_ns: i64) -> Option<Result<serde_json::Value, Fault>> {
        let (compiled, code) = self.inner.way.machine.as_ref()?;
        match worker::caught(|| self.run_machine(compiled, code, input.clone(), now_ns)) {
            Ok(Ok(value)) => value.map(|value| self.told(&value)),
            Ok(Err(fault)) => Some(Err(fault)),
            Err(lost) => Some(Err(lost_fault(lost, self.inner.limits.wall))),
        }
    }

    fn answer_on_worker(&self, input: Value, now_ns: i64) -> Result<serde_json::Value, Fault> {
        let value = match &self.inner.way.machine {
            Some((compiled, code)) => {
                match self.run_machine(compiled, code, input.clone(), now_ns)? {
                    Some(value) => value,
                    None => self.walk(input, now_ns)?,
                }
            }
            None => self.walk(input, now_ns)?,
        };
        self.told(&value)
    }

    fn told(&self, value: &Value) -> Result<serde_json::Value, Fault> {
        if *value == Value::Undefined {
            return Err(Fault::new(
                FaultCode::Undefined,
                format!("`{}` has no value for this input", self.inner.entrypoint),
            ));
        }
        json::tree(value)
    }

    fn walk(&self, input: Value, now_ns: i64) -> Result<Value, Fault> {
        let _memory = Backstop::raise(self.inner.limits.memory_bytes);
        let mut engine = self.inner.way.walker.clone();
        engine.set_execution_timer_config(timer(self.inner.limits.wall));
        engine.set_input(input);
        builtins::at(now_ns, false, || engine.eval_rule(self.inner.entrypoint.clone()))
            .map_err(|error| Fault::from_engine(&error))
    }

    /// Lets the machine answer; `None` where a builtin of ours is undefined, which the machine would take for a value.
    fn run_machine(
        &self,
        compiled: &CompiledPolicy,
        code: &Arc<Code>,
        input: Value,
        now_ns: i64,
    ) -> Result<Option<Value>, Fault> {
        let mut machine = match take_machine(self.inner.id) {
            Some(machine) => machine,
            None => self.new_machine(compiled, code)?,
        };
        machine.set_input(input);
        let mut value = machine.execute_entry_point_by_index(0).map_err(machine_fault)?;
        while let ExecutionState::Suspended { .. } = machine.execution_state() {
            let answer = answer(&machine, now_ns)?;
            if answer == Value::Undefined {
                return Ok(None);
            }
            value = machine.resume(Some(answer)).map_err(machine_fault)?;
        }
        machine.set_input(Value::Null);
        keep_machine(self.inner.id, machine);
        Ok(Some(value))
    }

    fn new_machine(&self, compiled: &CompiledPolicy, code: &Arc<Code>) -> Result<RegoVM, Fault> {
        let limits = self.inner.limits;
        let mut machine = RegoVM::new_with_policy(compiled.clone());
        machine.load_program(Arc::clone(code));
        machine.set_data(self.inner.data.clone()).map_err(machine_fault)?;
        machine.set_execution_mode(ExecutionMode::Suspendable);
        machine.set_max_instructions(limits.steps);
        machine.set_execution_timer_config(Some(timer(limits.wall)));
        machine.set_memory_budget_config(
            NonZeroU64::new(limits.memory_bytes).map(|limit| MemoryBudgetConfig { limit }),
        );
        Ok(machine)
    }
}

/// What a builtin of ours says to the machine that waits for it.
fn answer(machine: &RegoVM, now_ns: i64) -> Result<Value, Fault> {
    let name = machine.get_host_await_identifier().and_then(|name| name.as_string().ok());
    let Some(name) = name else {
        return Err(Fault::new(FaultCode::Error, "the policy stopped without asking for anything"));
    };
    if &**name == NOW {
        return Ok(Value::from(now_ns));
    }
    let Some(builtin) = builtins::find(name) else {
        return Err(Fault::new(FaultCode::Error, format!("`{name}` is not for policies")));
    };
    match machine.get_host_await_argument() {
        Some(Value::Array(args)) => {
            let args: Vec<Value> = args.iter().cloned().collect();
            builtin(&args).map_err(|error| Fault::from_engine(&error))
        }
        _ => Err(Fault::new(FaultCode::Error, format!("`{name}` was called without arguments"))),
    }
}

pub(crate) fn lost_fault(lost: Lost, wall: Duration) -> Fault {
    match lost {
        Lost::Late => {
            Fault::new(FaultCode::Timeout, format!("no answer within {} ms", wall.as_millis()))
        }
        Lost::Busy => Fault::new(FaultCode::Busy, "too many policies are being evaluated, or hang"),
        Lost::Panicked(message) => Fault::new(FaultCode::Error, message),
    }
}

pub(crate) fn timer(wall: Duration) -> ExecutionTimerConfig {
    ExecutionTimerConfig { limit: wall, check_interval: const { NonZeroU32::new(64).unwrap() } }
}

fn machine_fault(error: VmError) -> Fault {
    let code = match &error {
        VmError::InstructionLimitExceeded { .. } => FaultCode::Steps,
        VmError::TimeLimitExceeded { .. } => FaultCode::Timeout,
        VmError::MemoryLimitExceeded { .. }
        | VmError::MemoryBudgetExceeded { .. }
        | VmError::RegexSizeLimitExceeded { .. } => FaultCode::Memory,
        _ => FaultCode::Error,
    };
    // An error may carry values that share their parts: only its beginning is written.
    let mut text = Short { out: String::new() };
    let _ = std::fmt::write(&mut text, format_args!("{error}"));
    Fault::new(code, crate::problem::plain_message(&text.out))
}

/// A text that takes no more than its beginning.
struct Short {
    out: String,
}

impl std::fmt::Write for Short {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        if self.out.len() > 500 {
            return Err(std::fmt::Error);
        }
        self.out.push_str(text);
        Ok(())
    }
}

/// Machines that this worker keeps ready.
const KEPT: usize = 8;

thread_local! {
    static MACHINES: RefCell<Vec<(u64, RegoVM)>> = const { RefCell::new(Vec::new()) };
}

fn take_machine(id: u64) -> Option<RegoVM> {
    MACHINES.with_borrow_mut(|machines| {
        let at = machines.iter().position(|(known, _)| *known == id)?;
        Some(machines.swap_remove(at).1)
    })
}

fn keep_machine(id: u64, machine: RegoVM) {
    MACHINES.with_borrow_mut(|machines| {
        if machines.len() >= KEPT {
            machines.remove(0);
        }
        machines.push((id, machine));
    });
}
