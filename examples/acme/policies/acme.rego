# What Acme Pay asks beyond its sections and guardrails: rules of its own, in the package that the
# shipped policy reads.
#
# `deny` and `wait` hold a deployment back, `note` tells people something, `require` asks for an
# approval rule by name, `risk` adds points. The facts are in `input`.
package sluice.rules

# A service that failed this often is mended on its own branch first, and its owners say so.
deny contains {
	"rule": "acme.failing_service",
	"message": sprintf("%d of the last %d deployments of `%s` failed", [
		input.history.failures,
		input.history.deployments,
		input.target.service,
	]),
	"who": [sprintf("team:%s", [input.target.team])],
	"pass_if": "fewer than five of the last twenty deployments had failed, or it were an emergency",
} if {
	input.change.kind != "emergency"
	input.history.failures >= 5
}

# Whoever deploys should know how much hangs on it.
note contains {
	"rule": "acme.many_dependents",
	"message": sprintf("%d services depend on `%s`", [input.history.dependents, input.target.service]),
} if {
	input.history.dependents >= 3
}
