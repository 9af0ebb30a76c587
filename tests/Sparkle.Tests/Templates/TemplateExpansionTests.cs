using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Templates;

namespace PonyCloud.Sparkle.Tests.Templates;

public sealed class TemplateExpansionTests
{
    private const string Pool = "cccccccc-0000-4000-8000-000000000001";
    private const string Image = "cccccccc-0000-4000-8000-000000000002";
    private const string Iso = "cccccccc-0000-4000-8000-000000000003";
    private const string Lan = "cccccccc-0000-4000-8000-000000000004";
    private const string Other = "cccccccc-0000-4000-8000-000000000005";
    private static readonly Guid Network = Guid.Parse("cccccccc-0000-4000-8000-000000000006");
    private static readonly Guid Group = Guid.Parse("cccccccc-0000-4000-8000-000000000007");

    private static readonly TemplateRows Template = new(
        Json("{'vcpu':2,'mem':512,'boot':'network'}"),
        [
            new TemplateDisk(0, Json($"{{'storage_pool':'{Pool}','size':100,'base_image':'{Image}','index':0,'bus':'scsi'}}")),
            new TemplateDisk(3, Json($"{{'image':'{Iso}','index':3,'bus':'sata'}}")),
        ],
        [new TemplateCard(1, Json($"{{'switch':'{Lan}','index':1,'model':'e1000e'}}"), [Network, Network], [Group])]);

    [Test]
    public void A_name_is_enough()
    {
        var made = Expand("{'desired':{'name':'web'}}");
        Assert.That(made.Desired, Is.EqualTo(Json("{'vcpu':2,'mem':512,'boot':'network','name':'web'}")).Using(JToken.EqualityComparer));
        Assert.That(Texts(made.Volumes), Is.EqualTo((string[])[$"volume $i/volume/0 {{'name':'web-0','storage_pool':'{Pool}','size':100,'base_image':'{Image}'}}"]));
        Assert.That(Texts(made.Children), Is.EqualTo((string[])
        [
            "vdisk $i/vdisk/0 {'index':0,'bus':'scsi','volume':'$i/volume/0'}",
            $"vdisk $i/vdisk/3 {{'image':'{Iso}','index':3,'bus':'sata'}}",
            $"vnic $i/vnic/1 {{'switch':'{Lan}','index':1,'model':'e1000e'}}",
        ]));
        Assert.That(Texts(made.Children[2].Children), Is.EqualTo((string[])
        [
            $"address $i/vnic/1/address/0 {{'network':'{Network}'}}",
            $"address $i/vnic/1/address/1 {{'network':'{Network}'}}",
            $"security-group $i/vnic/1/security-group/0 {{'security_group':'{Group}'}}",
        ]));
        Assert.That(made.Asked, Is.Null);
        Assert.That(made.Origin.IsOf("mem"));
        Assert.That(made.Origin.IsOf("name"), Is.False, "the request says it, or lacks it");
        Assert.That(made.Children.Select(row => row.Pointer), Is.All.EqualTo("/p/template"));
        Assert.That(made.Children.Select(row => row.Origin.What), Is.EqualTo((string[])
            ["vdisk 0 of the template", "vdisk 3 of the template", "vnic 1 of the template"]));
    }

    [Test]
    public void What_is_ordered_lies_over_the_template()
    {
        var made = Expand("{'desired':{'name':'web','vcpu':4,'boot':null}}");
        Assert.That(made.Desired, Is.EqualTo(Json("{'vcpu':4,'mem':512,'boot':null,'name':'web'}")).Using(JToken.EqualityComparer));
        Assert.That(made.Origin.IsOf("vcpu"), Is.False);
        Assert.That(Template.Desired, Is.EqualTo(Json("{'vcpu':2,'mem':512,'boot':'network'}")).Using(JToken.EqualityComparer), "it is left alone");
    }

    [Test]
    public void A_child_with_the_index_of_a_disk_lies_over_it()
    {
        var made = Expand($"{{'desired':{{'name':'web'}},'children':{{'vdisk':{{'$r/1':{{'desired':{{'index':0,'size':200,'base_image':null}}}}}}}}}}");
        var (volume, disk) = (made.Volumes.Single(), made.Children[0]);
        Assert.That(Texts([volume, disk]), Is.EqualTo((string[])
        [
            $"volume $i/volume/0 {{'name':'web-0','storage_pool':'{Pool}','size':200,'base_image':null}}",
            "vdisk $r/1 {'index':0,'bus':'scsi','volume':'$i/volume/0'}",
        ]));
        Assert.That(disk.Pointer, Is.EqualTo("/p/children/vdisk/$r~11"));
        Assert.That((volume.Pointer, volume.Origin.IsOf("size"), volume.Origin.IsOf("storage_pool")), Is.EqualTo((disk.Pointer, false, true)));
        Assert.That((disk.Origin.IsOf("index"), disk.Origin.IsOf("bus"), disk.Origin.IsOf("volume")), Is.EqualTo((false, true, true)));
        Assert.That(made.Asked!["vdisk"], Is.Empty, "it is not made once more");
    }

    [TestCase("'volume':'$v'", "{'index':0,'bus':'scsi','volume':'$v'}")]
    [TestCase($"'image':'{Iso}'", $"{{'index':0,'bus':'scsi','image':'{Iso}'}}")]
    public void What_a_disk_is_can_be_another_thing(string fields, string expected)
    {
        var made = Expand($"{{'desired':{{'name':'web'}},'children':{{'vdisk':{{'$d':{{'desired':{{'index':0,{fields}}}}}}}}}}}");
        Assert.That(made.Volumes, Is.Empty);
        Assert.That(made.Children[0].Desired, Is.EqualTo(Json(expected)).Using(JToken.EqualityComparer));
    }

    [Test]
    public void A_CD_ROM_can_become_a_volume()
    {
        var made = Expand($"{{'desired':{{'name':'web'}},'children':{{'vdisk':{{'$d':{{'desired':{{'index':3,'storage_pool':'{Pool}','size':5}}}}}}}}}}");
        Assert.That(Texts(made.Volumes.Skip(1)), Is.EqualTo((string[])[$"volume $i/volume/3 {{'name':'web-3','storage_pool':'{Pool}','size':5}}"]));
        Assert.That(made.Children[1].Desired, Is.EqualTo(Json("{'index':3,'bus':'sata','volume':'$i/volume/3'}")).Using(JToken.EqualityComparer));
    }

    [Test]
    public void A_card_on_another_switch_has_no_addresses_of_the_first()
    {
        var card = Expand($"{{'desired':{{'name':'web'}},'children':{{'vnic':{{'$c':{{'desired':{{'index':1,'switch':'{Other}'}}}}}}}}}}").Children[2];
        Assert.That(card.Desired, Is.EqualTo(Json($"{{'switch':'{Other}','index':1,'model':'e1000e'}}")).Using(JToken.EqualityComparer));
        Assert.That(card.Children.Select(row => row.Collection), Is.EqualTo((string[])["security-group"]));
    }

    [Test]
    public void The_children_of_a_card_take_the_place_of_the_templates()
    {
        var card = Expand("{'desired':{'name':'web'},'children':{'vnic':{'$c':{'desired':{'index':1},'children':{'address':{'$a':{}},'security-group':{}}}}}}").Children[2];
        Assert.That(card.Children, Is.Empty);
        Assert.That(card.Asked, Is.EqualTo(Json("{'address':{'$a':{}},'security-group':{}}")).Using(JToken.EqualityComparer));
    }

    [TestCase("{'$x':{'desired':{'image':'a'}}}", "no index")]
    [TestCase("{'$x':{'desired':{'index':1,'image':'a'}}}", "an index that the template does not have")]
    [TestCase("{'$x':{'desired':{'index':'0'}}}", "no number")]
    [TestCase("{'$x':{'desired':{'index':0},'other':1}}", "more than a row")]
    [TestCase("{'$x':{'desired':[]}}", "no row")]
    [TestCase("[]", "no rows")]
    public void Any_other_child_comes_in_addition(string rows, string what)
    {
        var made = Expand($"{{'desired':{{'name':'web'}},'children':{{'vdisk':{rows}}}}}");
        Assert.That(made.Asked, Is.EqualTo(Json($"{{'vdisk':{rows}}}")).Using(JToken.EqualityComparer), what);
        Assert.That(made.Children, Has.Count.EqualTo(3));
    }

    [TestCase("'name':'0123456789012345678901234567890123456789012345678901234567890123'", "01234567890123456789012345678901234567890123456789012345678901-0")]
    [TestCase("'vcpu':1", "-0")]
    [TestCase("'name':7", "-0")]
    public void A_volume_is_named_as_far_as_there_is_room_and_a_name(string fields, string name) =>
        Assert.That((string?)Expand($"{{'desired':{{{fields}}}}}").Volumes[0].Desired["name"], Is.EqualTo(name));

    [Test]
    public void A_template_is_read_without_what_tells_it_from_others()
    {
        var store = new StateStore(EntityCatalog.Load());
        var template = new InstanceDesired
        {
            Uuid = Guid.NewGuid(), Tenant = Guid.NewGuid(), Name = "small", Template = true, Mem = 64, Reboots = 3, Resets = 2, UserData = "#cloud-config",
        };
        var card = new VnicDesired { Uuid = Guid.NewGuid(), Instance = template.Uuid, Switch = Guid.Parse(Lan), Index = 4 };
        Put("instance", template);
        Put("vdisk", new VdiskDesired { Uuid = Guid.NewGuid(), Instance = template.Uuid, StoragePool = Guid.Parse(Pool), Size = 7, Index = 1 });
        Put("vdisk", new VdiskDesired { Uuid = Guid.NewGuid(), Instance = template.Uuid, Image = Guid.Parse(Iso), Index = 0 });
        Put("vdisk", new VdiskDesired { Uuid = Guid.NewGuid(), Instance = Guid.NewGuid(), Image = Guid.Parse(Iso), Index = 0 });
        Put("vnic", card);
        Put("address", new AddressDesired { Uuid = Guid.NewGuid(), Network = Network, Vnic = card.Uuid, Ip = "192.0.2.7", Ptr = "small.example" });
        Put("vnic_security_group", new VnicSecurityGroupDesired { Uuid = Guid.NewGuid(), Vnic = card.Uuid, SecurityGroup = Group });

        var rows = TemplateRows.Read(store.Snapshot, store.Catalog, template);

        Assert.That(rows.Desired.Properties().Select(field => field.Name), Is.SupersetOf((string[])["mem", "user_data", "stop_timeout"])
            .And.None.AnyOf("uuid", "tenant", "name", "state", "template", "reboots", "resets"));
        Assert.That(rows.Disks.Select(disk => disk.Index), Is.EqualTo((int[])[0, 1]));
        Assert.That(rows.Disks[1].Desired, Is.EqualTo(Json($"{{'storage_pool':'{Pool}','size':7,'index':1,'bus':'virtio','cache':'none'}}")).Using(JToken.EqualityComparer));
        Assert.That(rows.Cards.Single().Desired, Is.EqualTo(Json($"{{'switch':'{Lan}','index':4,'model':'virtio','link':'up'}}")).Using(JToken.EqualityComparer));
        Assert.That((rows.Cards[0].Networks.Single(), rows.Cards[0].Groups.Single()), Is.EqualTo((Network, Group)));

        void Put(string entity, object row) => store.Apply([RowChange.Set(store.Catalog[entity], RowPart.Desired, row)]);
    }

    private static Expansion Expand(string row) => TemplateExpansion.Of(Template, Json(row), "$i", "/p");

    private static IEnumerable<string> Texts(IEnumerable<MadeRow> rows) =>
        rows.Select(row => $"{row.Collection} {row.Name} {row.Desired.ToString(Newtonsoft.Json.Formatting.None).Replace('"', '\'')}");

    private static JObject Json(string text) => JObject.Parse(text);
}
