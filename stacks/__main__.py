"""Entry point: Pulumi runs this folder, and the stack's name says what is built."""

from stacks.program import run

if __name__ == "__main__":
    run()
