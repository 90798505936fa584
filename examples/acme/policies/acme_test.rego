package sluice.rules_test

import data.sluice.rules

facts := {
	"target": {
		"service": "payments",
		"team": "payments",
		"environment_tier": "production",
		"labels": {"pci": "yes"},
	},
	"change": {"kind": "normal"},
	"risk": {"level": "low"},
	"history": {"deployments": 20, "failures": 0, "dependents": 2},
}

test_a_sound_service_is_not_held if {
	count(rules.deny) == 0 with input as facts
	count(rules.wait) == 0 with input as facts
	count(rules.require) == 0 with input as facts
}

test_a_failing_service_is_held if {
	failing := object.union(facts, {"history": {"deployments": 20, "failures": 5, "dependents": 2}})
	some entry in rules.deny with input as failing
	entry.rule == "acme.failing_service"
}

test_an_emergency_passes_a_failing_service if {
	urgent := object.union(facts, {
		"history": {"deployments": 20, "failures": 9, "dependents": 2},
		"change": {"kind": "emergency"},
	})
	count(rules.deny) == 0 with input as urgent
}

# From the guardrails, which are rules of the same package.
test_critical_risk_at_card_data_asks_for_security if {
	critical := object.union(facts, {"risk": {"level": "critical"}})
	"payment-security" in rules.require with input as critical
}

test_many_dependents_are_told if {
	central := object.union(facts, {"history": {"deployments": 1, "failures": 0, "dependents": 3}})
	some entry in rules.note with input as central
	contains(entry.message, "3 services depend on `payments`")
}
