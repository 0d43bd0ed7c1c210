"""What a run is: its settings, its folder and files, the lock on it. The trainer that makes one is `training`."""
