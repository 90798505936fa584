# Evidence: what is asked for was brought, nothing speaks against it, and it has not failed before.
package sluice.gate

evidence_reasons contains {
	"check": "evidence",
	"effect": hard.deny,
	"rule": "evidence.missing",
	"message": sprintf("evidence `%v` is missing", [name]),
	"pass_if": sprintf("evidence of type `%v` were brought", [name]),
} if {
	some name in input.evidence.missing
}

evidence_reasons contains {
	"check": "evidence",
	"effect": "deny",
	"rule": "evidence.failed",
	"message": sprintf("evidence `%v` speaks against the change", [name]),
	"pass_if": sprintf("`%v` passed", [name]),
} if {
	some name in input.evidence.failed
}

evidence_reasons contains {
	"check": "evidence",
	"effect": "deny",
	"rule": "evidence.denied_digest",
	"message": sprintf("%v failed before, in %v: %v", [denied.digest, denied.deployment, denied.reason]),
	"who": ["role:change_manager"],
	"pass_if": "other artifacts were deployed, or an exception granted",
} if {
	some denied in input.denied_digests
}
