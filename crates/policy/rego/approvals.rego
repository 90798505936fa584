# Risk and approvals: the level decides which rules apply, people decide by them.
package sluice.gate

rank := {"low": 0, "medium": 1, "high": 2, "critical": 3}

level_names := ["low", "medium", "high", "critical"]

floors := [0, 30, 60, 85]

score := max([0, min([100, input.risk.score + points])])

points := sum([entry.points | some entry in risk_entries])

rank_of_score := count([floor | some floor in floors; score >= floor]) - 1

# Points move the level by the score; without any, the assessed level stands.
ranks_of_points := [rank_of_score | points != 0]

ranks_by_name := [rank[entry.level] | some entry in level_entries]

assessed := [rank[input.risk.level] | count(ranks_by_name) == 0; points == 0]

level_rank := max(array.concat(assessed, array.concat(ranks_by_name, [r | some r in ranks_of_points; count(ranks_by_name) == 0])))

level := level_names[level_rank]

risk_words := [entry.because | some entry in array.concat(risk_entries, level_entries)]

# What is of another form is a denial of its own: see `own.rego`.
risk_entries := [entry | some entry in data.sluice.rules.risk; is_number(entry.points); is_string(object.get(entry, "because", ""))]

level_entries := [entry | some entry in data.sluice.rules.risk_level; is_number(rank[entry.level]); is_string(object.get(entry, "because", ""))]

risk_overrides contains {"level": level, "because": concat("; ", risk_words)} if level != input.risk.level

# The first emergency always goes; the next ones as long as what they owe is bearable.
bearable if input.debt.owed == 0

bearable if input.debt.owed < input.debt.limit

emergency if input.change.kind == "emergency"

preauthorized if {
	input.change.kind == "standard"
	input.change.model != null
}

# What an emergency may pass, and be told about.
hard := object.union({"deny": "deny", "wait": "wait"}, {effect: "note" | some effect in ["deny", "wait"]; is_emergency})

is_emergency := input.change.kind == "emergency"

require contains {"rule": rule.name, "owed": is_emergency} if {
	controlled
	not preauthorized
	some rule in input.approval_rules
	rank[rule.min_risk] <= level_rank
}

require contains {"rule": entry, "owed": is_emergency} if {
	some entry in data.sluice.rules.require
	is_string(entry)
}

require contains {"rule": entry.rule, "owed": object.get(entry, "owed", is_emergency)} if {
	some entry in data.sluice.rules.require
	is_object(entry)
	is_string(entry.rule)
	is_boolean(object.get(entry, "owed", is_emergency))
}

approvals_reasons contains {
	"check": "approvals",
	"effect": "deny",
	"rule": "approvals.none_apply",
	"message": sprintf("the risk is %v, and no approval rule covers this change", [level]),
	"who": ["role:change_manager"],
	"pass_if": "an approval rule covered this service and environment, or the risk were lower",
} if {
	controlled
	input.change.kind == "normal"
	level_rank >= 2
	count(require) == 0
}

approvals_reasons contains {
	"check": "approvals",
	"effect": "deny",
	"rule": "approvals.debt",
	"message": sprintf("%v approvals or reviews of earlier emergencies are owed, %v are bearable", [input.debt.owed, input.debt.limit]),
	"who": owners,
	"pass_if": "the owed approvals and reviews were given",
} if {
	emergency
	not bearable
}

approvals_reasons contains {
	"check": "approvals",
	"effect": "note",
	"rule": "approvals.overdue",
	"message": sprintf("%v approvals or reviews of earlier changes are overdue", [input.debt.overdue]),
	"who": owners,
} if {
	input.debt.overdue > 0
}

approvals_reasons contains {
	"check": "approvals",
	"effect": "note",
	"rule": "approvals.unreported",
	"message": sprintf("it was not told who wrote all of `%v`, so nobody can be shown to be independent of it: a hook of the forge tells, or `--author` where the settings say `authorship: reported`", [commit]),
} if {
	count(require) > 0
	some commit in object.get(input.approvals, "unreported", [])
}

approvals_reasons contains {
	"check": "approvals",
	"effect": "note",
	"rule": "approvals.unresolved",
	"message": sprintf("`%v` had a hand in the change and belongs to nobody known", [identity]),
} if {
	count(require) > 0
	some identity in input.approvals.unresolved
}
