import os

# A domain of its own keeps tests that run at the same time from hearing each other, and one
# process from hearing other machines. Set before rclpy is imported, inherited by child processes.
# Domain ids up to 101 keep DDS's ports below Linux's ephemeral ones.
os.environ['ROS_DOMAIN_ID'] = str(1 + os.getpid() % 101)
os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
