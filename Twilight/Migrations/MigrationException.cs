namespace PonyCloud.Twilight.Migrations;

/// <summary>An instance cannot be sent.</summary>
public sealed class MigrationException(string message, Exception? inner = null) : Exception(message, inner);
