from curation.propose import schema_comments

BEFORE = """# Reviewed by the shop.
# Edit to accept a change.

# Sold as whole numbers.
feature {
  name: "n"  # pieces
  type: INT
  # at least one
  int_domain { min: 1 }
}
feature {
  name: "gone"
  # 3.0% missing
  type: INT
}
"""
AFTER = """# Inferred.

feature {
  name: "new # not a comment"
  type: INT
}
feature {
  name: "n"
  type: INT
  # 2.0% missing
  presence { min_fraction: 0.9 min_count: 1 }
}
"""


def test_the_head_and_the_comments_of_a_column_go_over():
    assert (
        schema_comments.carry(BEFORE, AFTER)
        == """# Reviewed by the shop.
# Edit to accept a change.

feature {
  name: "new # not a comment"
  type: INT
}
# Sold as whole numbers.
feature {
  name: "n"
  # pieces
  # at least one
  type: INT
  # 2.0% missing
  presence { min_fraction: 0.9 min_count: 1 }
}
"""
    )


def test_figures_that_the_proposal_writes_itself_are_not_kept():
    assert schema_comments.carry(AFTER, AFTER) == AFTER
