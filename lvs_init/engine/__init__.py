"""The use cases: observe, plan, apply, verify. What the verbs do, told as outcomes; words and codes are the faces'."""
