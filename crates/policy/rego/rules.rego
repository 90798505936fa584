# Where an organisation's own rules go. These give nothing: they say that the names exist, and that an entry
# may be of any form.
package sluice.rules

deny contains input if false

wait contains input if false

note contains input if false

require contains input if false

risk contains input if false

risk_level contains input if false
