"""Where requests come in: the gate, the shell around every page, declared forms and components."""
