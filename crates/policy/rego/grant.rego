# The grant: every way to production has a name.
package sluice.gate

default allow := false

allow if {
	some grant in grants
	is_string(grant)
}

grants contains "grant.uncontrolled" if {
	known
	input.registration.controlled == false
}

grants contains "grant.preauthorized" if {
	known
	controlled
	preauthorized
}

grants contains "grant.low_risk" if {
	known
	controlled
	input.change.kind == "normal"
	level_rank <= 1
}

grants contains "grant.approved" if {
	known
	controlled
	input.change.kind == "normal"
	level_rank >= 2
	count(require) > 0
}

grants contains "grant.emergency" if {
	known
	emergency
	is_string(input.change.emergency_reason)
	bearable
}
