using Microsoft.Extensions.DependencyInjection;

namespace PonyCloud.Sparkle.Events;

/// <summary>The room's one line in the program.</summary>
public static class EventsRegistration
{
    /// <summary>Adds the recorder of events. Needs an <see cref="IEventStore"/> among the services.</summary>
    public static IServiceCollection AddEvents(this IServiceCollection services)
    {
        services.AddSingleton<EventRecorder>();
        services.AddSingleton<IEventSink>(provider => provider.GetRequiredService<EventRecorder>());
        services.AddHostedService(provider => provider.GetRequiredService<EventRecorder>());
        return services;
    }
}
