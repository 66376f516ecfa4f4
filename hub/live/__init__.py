"""Streams and long polls, in an asyncio process of their own: thousands of readers that mostly wait (aiohttp)."""
