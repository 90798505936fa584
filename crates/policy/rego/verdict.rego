# The verdict of the gate: the reasons that stand, the approvals asked for, the grant.
#
# Each file beside this one speaks for one check and adds to `candidates`. Exceptions that lift a rule by
# name are the core's work: it turns the reason into a note and counts the review that this costs. Without a
# grant by name nothing goes.
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

reasons contains candidate if some candidate in candidates
