from components import key_generations


def test_a_keys_resource_tells_whose_it_is_and_its_generation() -> None:
    name = key_generations.resource_name("audit-log", 12)

    assert name == "audit-log-key-12"
    assert key_generations.parse_resource_name(name) == ("audit-log", 12)


def test_other_resources_are_no_keys() -> None:
    for name in ("writer", "writer-policy", "reader-key-", "writer-key-x"):
        assert key_generations.parse_resource_name(name) is None
