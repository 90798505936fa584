# Identity: only credentials of a known kind may ask.
package sluice.gate

identity_reasons contains {
	"check": "identity",
	"effect": "deny",
	"rule": "identity.kind",
	"message": sprintf("a credential of kind `%v` may not ask for deployments", [input.caller.kind]),
	"who": ["role:administrator"],
	"pass_if": "the question came with the token of a pipeline or a person",
} if {
	not input.caller.kind in {"pipeline", "person", "link"}
}
