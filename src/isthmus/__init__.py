"""Isthmus: how much scale could a front of an alliance system draw on, and for how long?"""
