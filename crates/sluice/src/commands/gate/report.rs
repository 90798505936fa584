//! The answer in words.

use serde_json::Value;
use sluice_core::gate::Decision;
use sluice_engine::pass_token::TokenClaims;

use super::answer::{GateReply, ReasonReply};
use crate::output::{attention, bad, clean, good, line};
use crate::show;

/// Prints decision, reasons in their order, who can act, until when, what would make it pass, receipt.
pub(super) fn print(reply: &GateReply, place: &str, pass: Option<&TokenClaims>) {
    let word = match reply.answer {
        Decision::Allow => good("allow"),
        Decision::Wait => attention("wait"),
        Decision::Deny => bad("deny"),
    };
    let change = reply.change.as_deref().map(|n| format!("  {}", clean(n))).unwrap_or_default();
    line(&format!("{word}  {place}{change}"));
    for (number, reason) in reply.reasons.iter().enumerate() {
        print_reason(number + 1, reason);
    }
    for condition in reply.would_pass_if.iter().filter(|text| !said(reply, text)) {
        line(&format!("  would pass if {}", clean(condition)));
    }
    if let Some(until) = &reply.until {
        line(&format!("  until     {}", clean(until)));
    }
    let risk = reply.risk.as_ref().and_then(|risk| risk.get("level"));
    if let Some(level) = risk {
        line(&format!("  risk      {}", show::cell(Some(level))));
        print_factors(reply);
    }
    if let Some(decision) = &reply.decision {
        line(&format!("  decision  {}", clean(decision)));
    }
    if let Some(pass) = pass {
        let until = jiff::Timestamp::from_second(pass.exp).map(|at| at.to_string());
        let until = until.unwrap_or_default();
        line(&format!("  pass      {} until {until}, signature and bindings verified", pass.jti));
    }
    if let Some(receipt) = &reply.receipt {
        let number = |name: &str| show::cell(receipt.get(name));
        line(&format!(
            "  receipt   entry {} in the log of {} entries",
            number("index"),
            number("tree_size")
        ));
    }
}

/// Whether a condition was already said with its reason.
fn said(reply: &GateReply, condition: &str) -> bool {
    reply.reasons.iter().any(|reason| reason.pass_if == condition)
}

/// What the risk is made of.
fn print_factors(reply: &GateReply) {
    let factors =
        reply.risk.as_ref().and_then(|risk| risk.get("factors")).and_then(Value::as_array);
    for factor in factors.into_iter().flatten() {
        let text = |name: &str| show::cell(factor.get(name));
        line(&format!("  {:>6}    {}", text("points"), text("because")));
    }
}

fn print_reason(number: usize, reason: &ReasonReply) {
    line(&format!(
        "  {number}. {} [{}] {}",
        clean(&reason.effect),
        clean(&reason.rule),
        clean(&reason.message)
    ));
    if let Some(until) = &reason.until {
        line(&format!("     until {}", clean(until)));
    }
    if !reason.who.is_empty() {
        let who: Vec<String> = reason.who.iter().map(|who| show::cell(Some(who))).collect();
        line(&format!("     can act: {}", who.join(", ")));
    }
    if !reason.pass_if.is_empty() {
        line(&format!("     would pass if {}", clean(&reason.pass_if)));
    }
}
