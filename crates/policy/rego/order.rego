# Order: what this needs goes first, and the environment before has proven it.
package sluice.gate

order_reasons contains {
	"check": "order",
	"effect": "wait",
	"rule": "order.dependency_first",
	"message": sprintf("`%v` is part of the same change and goes first", [dependency.service]),
	"pass_if": sprintf("`%v` were deployed", [dependency.service]),
} if {
	some dependency in input.order.dependencies
	dependency.goes_first == true
}

order_reasons contains {
	"check": "order",
	"effect": hard.wait,
	"rule": "order.dependency_broken",
	"message": sprintf("the last deployment of `%v`, which this needs, failed", [dependency.service]),
	"pass_if": sprintf("`%v` were repaired", [dependency.service]),
} if {
	some dependency in input.order.dependencies
	dependency.broken == true
}

order_reasons contains {
	"check": "order",
	"effect": hard.deny,
	"rule": "order.previous",
	"message": sprintf("these artifacts have not run in `%v`", [input.order.previous.environment]),
	"pass_if": sprintf("the same artifacts ran in `%v` first", [input.order.previous.environment]),
} if {
	input.order.previous != null
	input.order.previous.passed == false
}

order_reasons contains {
	"check": "order",
	"effect": hard.wait,
	"rule": "order.soak",
	"message": sprintf("these artifacts have to run in `%v` for %v minutes", [input.order.previous.environment, input.order.previous.soak_minutes]),
	"until": input.order.previous.soaked_at,
	"pass_if": "the soak time were over, or the change an emergency",
} if {
	input.order.previous != null
	input.order.previous.passed == true
	input.order.previous.soaked_at != null
	time.parse_rfc3339_ns(input.now) < time.parse_rfc3339_ns(input.order.previous.soaked_at)
}
