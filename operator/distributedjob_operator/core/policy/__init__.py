"""What a job's spec says about failure, success and time: one file a policy.

Each is a function of the spec, the recorded facts and the moment; none changes
anything.
"""
