"""Follows automata, for their tests."""


def accepts(automaton, symbols):
    """Whether an automaton accepts a text of symbols."""
    state = 0
    for symbol in symbols:
        edges = range(automaton.first_edge[state], automaton.first_edge[state + 1])
        targets = [automaton.target[edge] for edge in edges if automaton.symbol[edge] == symbol]
        assert len(targets) <= 1, "not deterministic"
        if not targets:
            return False
        state = targets[0]
    return bool(automaton.is_final[state])
