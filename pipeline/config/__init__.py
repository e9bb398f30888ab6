"""What a service repository says: `pipeline.yaml`, `environments/`, `aws/`, read and checked before anything is done.

    dotenv, documents        text -> assignments and nodes that know their line and column
    env_rules, environments  env files against their schemas -> Environment
    declarations             aws/**/*.yaml -> items, the same for every environment
    variables, rendering     items + environment -> values, `${...}` filled in
    shape, validation        JSON Schema: types, defaults, and what is wrong in words
    desired, checks          values -> canonical resources; what must fit together
    handlers, lifecycle      code that functions name; runtimes that AWS retires
    loading                  all of it, with every error at once
    loaded, tracing          what that gives; what it asked of the files, so that it need not be done again

This room reads files below the project's root and nothing else: no process environment, no network, no clock. It
never runs what it reads. Bad content never raises; it becomes diagnostics.
"""
