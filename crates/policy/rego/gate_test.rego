# Tests of the shipped judgement: one thing is changed in facts that pass, and the answer is read.
package sluice.gate_test

import data.sluice.gate

facts := {
	"now": "2026-03-02T10:00:00Z",
	"policy": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
	"question": {"service": "payments", "environment": "production"},
	"caller": {"kind": "pipeline", "person": null, "in_scope": true},
	"target": {"service": "payments", "team": "payments", "service_tier": "tier-1", "environment": "production", "environment_tier": "production", "labels": {}},
	"registration": {"service": true, "environment": true, "runs_there": true, "repository": true, "controlled": true, "environment_tier": "production", "owner": "payments", "class": "service", "unknown_services": []},
	"stops": [],
	"calendar": {"freezes": [], "frozen_until": null, "excepted": [], "maintenance": [], "release": {"state": "none_apply"}, "next_freeze": null},
	"exceptions": [],
	"order": {"dependencies": [], "previous": null},
	"evidence": {"required": {}, "present": [], "missing": [], "failed": []},
	"change": {"number": null, "kind": "normal", "state": null, "model": null, "revision": "sha256:00", "services": ["payments"], "emergency_reason": null},
	"risk": {"score": 10, "level": "low", "factors": []},
	"approval_rules": [{"name": "owners", "reason": "", "min_risk": "high", "applies": false, "quorum": 1, "who": ["team:payments"], "involved_may_approve": []}],
	"approvals": {"given": [], "involved": {}, "unresolved": []},
	"conflicts": [],
	"incidents": [],
	"denied_digests": [],
	"debt": {"owed": 0, "overdue": 0, "limit": 3, "changes": []},
	"history": {"deployments": 5, "failures": 0, "running_version": null, "last_at": null, "business_hours": true, "dependents": 0},
	"clock": {"skew_ms": 0, "trusted": true},
}

changed(over) := object.union(facts, over)

spoken(answer, effect) := {reason.rule | some reason in answer.reasons; reason.effect == effect}

test_a_low_risk_change_goes if {
	verdict := gate.verdict with input as facts
	verdict == {"allow": true, "reasons": [], "require": []}
}

test_an_unknown_credential_is_denied if {
	verdict := gate.verdict with input as changed({"caller": {"kind": "guest"}})
	spoken(verdict, "deny") == {"identity.kind"}
}

test_an_undeclared_service_is_denied_and_not_granted if {
	verdict := gate.verdict with input as changed({"registration": {"service": false}})
	verdict.allow == false
	spoken(verdict, "deny") == {"registration.service"}
}

test_a_stop_denies if {
	verdict := gate.verdict with input as changed({"stops": [{"id": "stop/1", "scope": {}, "reason": "outage", "since": "2026-03-02T09:00:00Z", "by": null}]})
	spoken(verdict, "deny") == {"stop.in_force"}
}

test_a_freeze_waits_until_its_end if {
	freeze := {"name": "close", "title": "Year end", "until": "2026-03-03T00:00:00Z", "in_flight": "finish", "grants": ["role:change_manager"], "reason": "books close"}
	verdict := gate.verdict with input as changed({"calendar": {"freezes": [freeze]}})
	[reason] := verdict.reasons
	reason.rule == "freeze.in_force"
	reason.effect == "wait"
	reason.until == "2026-03-03T00:00:00Z"
}

test_only_what_is_under_way_finishes_in_a_freeze if {
	freeze := {"name": "close", "title": "Year end", "until": "2026-03-03T00:00:00Z", "in_flight": "finish", "grants": [], "reason": "books close"}
	every case in {
		[{"state": "implement", "under_way": true}, set()],
		[{"state": "implement", "under_way": false}, {"freeze.in_force"}],
		[{"state": "implement"}, {"freeze.in_force"}],
		[{"state": "review", "under_way": true}, {"freeze.in_force"}],
	} {
		verdict := gate.verdict with input as changed({"calendar": {"freezes": [freeze]}, "change": case[0]})
		spoken(verdict, "wait") == case[1]
	}
}

test_outside_of_release_windows_it_waits if {
	verdict := gate.verdict with input as changed({"calendar": {"release": {"state": "outside", "next": "2026-03-03T08:00:00Z"}}})
	spoken(verdict, "wait") == {"freeze.release_window"}
}

test_missing_and_failed_evidence_is_denied if {
	verdict := gate.verdict with input as changed({"evidence": {"required": {}, "present": [], "missing": ["scan"], "failed": ["unit"]}})
	spoken(verdict, "deny") == {"evidence.missing", "evidence.failed"}
}

# Whether an exception passes a rule is not the policy's to say: it gives its reason all the same.
test_an_exception_for_a_rule_changes_no_reason if {
	patched := changed({
		"evidence": {"missing": ["scan"]},
		"exceptions": [{"id": "e", "lifts": "rule:evidence.missing", "reason": "x", "until": "2026-03-03T00:00:00Z", "by": null}],
	})
	verdict := gate.verdict with input as patched
	spoken(verdict, "deny") == {"evidence.missing"}
}

test_high_risk_asks_for_the_rules_that_apply if {
	verdict := gate.verdict with input as changed({"risk": {"score": 70, "level": "high", "factors": []}})
	verdict.allow == true
	verdict.require == [{"rule": "owners", "owed": false}]
}

test_high_risk_without_a_rule_is_denied if {
	patched := changed({
		"risk": {"level": "high"},
		"approval_rules": [],
	})
	verdict := gate.verdict with input as patched
	verdict.allow == false
	spoken(verdict, "deny") == {"approvals.none_apply"}
}

test_an_emergency_owes_its_approval if {
	patched := changed({
		"risk": {"level": "high"},
		"change": {"kind": "emergency", "emergency_reason": "INC1 payments down"},
		"evidence": {"missing": ["scan"]},
	})
	verdict := gate.verdict with input as patched
	verdict.allow == true
	verdict.require == [{"rule": "owners", "owed": true}]
	spoken(verdict, "note") == {"evidence.missing"}
}

test_debt_blocks_the_next_emergency if {
	patched := changed({
		"change": {"kind": "emergency", "emergency_reason": "INC1"},
		"debt": {"owed": 3},
	})
	verdict := gate.verdict with input as patched
	verdict.allow == false
	spoken(verdict, "deny") == {"approvals.debt"}
}

test_a_preauthorized_standard_change_asks_nobody if {
	patched := changed({
		"risk": {"level": "high"},
		"change": {"kind": "standard", "model": "patch"},
	})
	verdict := gate.verdict with input as patched
	verdict == {"allow": true, "reasons": [], "require": []}
}

test_soak_time_waits_and_then_goes if {
	previous := {"environment": "staging", "passed": true, "since": "2026-03-02T09:30:00Z", "soak_minutes": 60, "soaked_at": "2026-03-02T10:30:00Z"}
	early := gate.verdict with input as changed({"order": {"previous": previous}})
	spoken(early, "wait") == {"order.soak"}
	done := gate.verdict with input as changed({"order": {"previous": object.union(previous, {"soaked_at": "2026-03-02T09:59:59.5Z"})}})
	done.reasons == []
}

test_what_skipped_staging_is_denied if {
	previous := {"environment": "staging", "passed": false, "since": null, "soak_minutes": 60, "soaked_at": null}
	verdict := gate.verdict with input as changed({"order": {"previous": previous}})
	spoken(verdict, "deny") == {"order.previous"}
}

test_a_running_change_waits_and_a_planned_one_is_noted if {
	verdict := gate.verdict with input as changed({"conflicts": [
		{"change": "CHG0000002", "service": "payments", "relation": "same", "state": "implement", "running": true, "until": null},
		{"change": "CHG0000003", "service": "ledger", "relation": "dependency", "state": "scheduled", "running": false},
	]})
	spoken(verdict, "wait") == {"conflicts.running"}
	spoken(verdict, "note") == {"conflicts.planned"}
}

test_who_may_end_what_runs_is_told_with_its_end if {
	running := {"change": "CHG0000002", "service": "payments", "relation": "same", "state": "implement", "running": true, "until": "2026-03-05T10:00:00Z", "deployments": ["DEP0000007", "DEP0000008"], "owner": "web"}
	verdict := gate.verdict with input as changed({"conflicts": [running]})
	some reason in verdict.reasons
	reason.rule == "conflicts.running"
	reason.until == "2026-03-05T10:00:00Z"
	reason.who == ["team:web", "role:change_manager"]
	contains(reason.pass_if, "`sluice deployment end DEP0000007 --reason '...'`, `sluice deployment end DEP0000008 --reason '...'`, or")
}

test_failed_digests_are_denied if {
	verdict := gate.verdict with input as changed({"denied_digests": [{"digest": "sha256:aa", "deployment": "DEP0000001", "reason": "rolled back"}]})
	spoken(verdict, "deny") == {"evidence.denied_digest"}
}

test_own_rules_speak if {
	verdict := gate.verdict with input as facts with data.sluice.rules.deny as {"no deploys on Mondays"}
	spoken(verdict, "deny") == {"policy.own"}
}

test_malformed_own_rules_deny if {
	verdict := gate.verdict with input as facts with data.sluice.rules.wait as {7}
	spoken(verdict, "deny") == {"policy.malformed"}
}

malformed := {
	{"risk": {{"point": 60}}},
	{"risk": {{"points": "60", "because": "night"}}},
	{"risk": {"sixty"}},
	{"risk": {{"points": 60, "because": 7}}},
	{"risk_level": {{"level": "High"}}},
	{"risk_level": {{"level": 3}}},
	{"risk_level": {"high"}},
	{"risk_level": {{"level": "high", "because": ["night"]}}},
	{"require": {{"rulle": "owners"}}},
	{"require": {{"rule": 7}}},
	{"require": {{"rule": "owners", "owed": "no"}}},
	{"deny": {7}},
	{"note": {null}},
}

none := {"deny": set(), "wait": set(), "note": set(), "require": set(), "risk": set(), "risk_level": set()}

test_no_entry_vanishes_because_it_is_malformed if {
	every entry in malformed {
		verdict := gate.verdict with input as facts with data.sluice.rules as object.union(none, entry)
		spoken(verdict, "deny") == {"policy.malformed"}
	}
}

test_an_emergency_with_malformed_risk_still_owes_and_does_not_go if {
	patched := changed({
		"risk": {"level": "high"},
		"change": {"kind": "emergency", "emergency_reason": "INC1"},
	})
	every entry in malformed {
		verdict := gate.verdict with input as patched with data.sluice.rules as object.union(none, entry)
		spoken(verdict, "deny") == {"policy.malformed"}
		{"rule": "owners", "owed": true} in verdict.require
	}
}

test_equal_points_of_two_sources_count_twice if {
	night := {"points": 30, "because": "night"}
	verdict := gate.verdict with input as facts
		with data.sluice.rules.risk as {object.union(night, {"of": "one"}), object.union(night, {"of": "two"})}
	verdict.risk == {"level": "high", "because": "night; night"}
}

test_identities_of_nobody_are_told_where_people_are_asked if {
	unknown := {"approvals": {"unresolved": ["identity/1"]}}
	asked := gate.verdict with input as changed(object.union(unknown, {"risk": {"level": "high"}}))
	spoken(asked, "note") == {"approvals.unresolved"}
	unasked := gate.verdict with input as changed(unknown)
	unasked.reasons == []
}

test_points_raise_the_level if {
	verdict := gate.verdict with input as facts with data.sluice.rules.risk as {{"points": 60, "because": "night"}}
	verdict.risk == {"level": "high", "because": "night"}
	verdict.require == [{"rule": "owners", "owed": false}]
}

test_a_level_by_name_stands if {
	verdict := gate.verdict with input as changed({"risk": {"score": 70, "level": "high", "factors": []}})
		with data.sluice.rules.risk_level as {{"level": "low", "because": "docs only"}}
	verdict.risk == {"level": "low", "because": "docs only"}
	verdict.require == []
}

test_nothing_is_granted_without_facts if {
	verdict := gate.verdict with input as {}
	verdict.allow == false
}
