# The verdict of the gate: the reasons that stand, the approvals asked for, the grant.
#
# Each file beside this one speaks for one check and adds to `candidates`. A reason stands unless an
# exception lifts its rule by name; then it stays as a note. Without a grant by name nothing goes.
package sluice.gate

default verdict := {"allow": false, "reasons": [], "require": []}

verdict := object.union(
	{
		"allow": allow,
		"reasons": [reason | some reason in reasons],
		"require": [requirement | some requirement in require],
	},
	{"risk": set_risk | some set_risk in risk_overrides},
)

reasons contains candidate if {
	some candidate in candidates
	not candidate.rule in lifted
}

reasons contains note if {
	some candidate in candidates
	candidate.rule in lifted
	note := object.union(candidate, {
		"effect": "note",
		"message": sprintf("%s (passed by an exception)", [candidate.message]),
	})
}

lifted contains rule if {
	some exception in input.exceptions
	startswith(exception.lifts, "rule:")
	rule := substring(exception.lifts, 5, -1)
}
