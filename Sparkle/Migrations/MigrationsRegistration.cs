using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Networks;

namespace PonyCloud.Sparkle.Migrations;

/// <summary>The room's one line in the program.</summary>
public static class MigrationsRegistration
{
    /// <summary>Adds what hosts are told of migrations, the changes of places, and what is recorded of them.</summary>
    public static IServiceCollection AddMigrations(this IServiceCollection services)
    {
        services.TryAddSingleton<NetworkRows>();
        services.AddSingleton<MigrationRows>();
        services.AddSingleton<IControlFeature>(provider => ActivatorUtilities.CreateInstance<MigrationDesk>(provider, new Func<Guid>(Guid.NewGuid)));
        services.AddSingleton<IControlFeature, MigrationEvents>();
        return services;
    }
}
