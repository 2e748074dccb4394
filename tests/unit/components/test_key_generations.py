from components import key_generations


def test_the_resource_name_of_a_key_has_identity_and_generation() -> None:
    name = key_generations.resource_name("audit-log", 12)

    assert name == "audit-log-key-12"
    assert key_generations.parse_resource_name(name) == ("audit-log", 12)


def test_other_resource_names_are_not_parsed() -> None:
    for name in ("writer", "writer-policy", "reader-key-", "writer-key-x"):
        assert key_generations.parse_resource_name(name) is None
