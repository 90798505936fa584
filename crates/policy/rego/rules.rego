# Where an organisation's own rules go. These give nothing; they say that the names exist.
package sluice.rules

deny contains entry if some entry in []

wait contains entry if some entry in []

note contains entry if some entry in []

require contains entry if some entry in []

risk contains entry if some entry in []

risk_level contains entry if some entry in []
