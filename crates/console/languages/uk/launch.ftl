# Для кого відкривають застосунок.

launch-patient-title = Про кого йдеться?
launch-patient-lead = { $client } працює з карткою одного пацієнта. Виберіть, чию картку він може відкрити; далі ви вирішите, що йому там дозволено.
launch-patient = Пацієнт
launch-self = Ваша власна картка
launch-proxy = Ви опікуєтеся цією людиною
launch-practitioner = Ви лікуєте цю людину
launch-encounter-title = Про який візит ідеться?
launch-encounter-lead = { $client } питає, для якого візиту пацієнта його відкривають.
launch-encounter = Візит
launch-go-on = Далі
launch-menu = Відкрити застосунок
launch-open-title = Відкрити застосунок для пацієнта
launch-open-lead = Застосунок відкриється з карткою цього пацієнта. Першого разу він попросить вашого дозволу.
launch-open-empty = Тут поки немає пацієнтів або застосунків. Їх може додати адміністратор.
launch-application = Застосунок
launch-open-act = Відкрити
