"""Makes the stack file of a new stack: asks for what it needs, looks up what can be looked up.

- `present` reads what is there already: the stack file, Pulumi's stack, its secrets.
- `interview` takes each answer from what is there, from a flag or from the person, and checks it.
- `steps` are the questions, in their order; `lookup` asks the systems for answers.
- `text` adds the answers to the text of the stack file (pure).
"""
