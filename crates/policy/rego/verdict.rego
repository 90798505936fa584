# The verdict of the gate: the reasons that stand, the approvals asked for, the grant.
#
# Each file beside this one speaks for one check and gives its reasons as a set of its own: the engine looks at a rule's
# every body each time it takes one up, so that many small sets are quicker than a large one. Exceptions that lift a rule by
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

reasons := union({
	registration_reasons,
	identity_reasons,
	stop_reasons,
	freeze_reasons,
	order_reasons,
	evidence_reasons,
	policy_reasons,
	approvals_reasons,
	conflicts_reasons,
})
